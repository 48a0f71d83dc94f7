"""Files of codes from other programs: their arrays, and the errors of invalid files."""

from __future__ import annotations

import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errors import DataError, UsageError
from runner.evaluation.codes_file import read_codes

FACTORS = np.array(list(product(range(3), range(4))))
CODES = FACTORS + 0.5


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path / "codes.npz", **{"codes": CODES, "factors": FACTORS, **arrays})
    return path / "codes.npz"


def test_codes_and_factors_are_enough(tmp_path: Path):
    found = read_codes(saved(tmp_path))
    assert (found.codes.codes_ND == CODES).all()
    assert (found.codes.factors_NF == FACTORS).all()
    assert found.class_factor == "factor_0"
    assert len(found.sha256) == 64


def test_factors_can_be_named(tmp_path: Path):
    found = read_codes(saved(tmp_path, factor_names=["shape", "size"], class_factor="size"))
    assert found.codes.factor_names == ("shape", "size")
    assert found.class_factor == "size"


def test_a_full_grid_is_detected_by_its_combinations(tmp_path: Path):
    assert read_codes(saved(tmp_path)).codes.complete
    assert not read_codes(saved(tmp_path, codes=CODES[1:], factors=FACTORS[1:])).codes.complete
    twice = np.concatenate([FACTORS, FACTORS])
    assert not read_codes(saved(tmp_path, codes=twice, factors=twice)).codes.complete
    assert read_codes(saved(tmp_path, codes=twice, factors=twice, complete=True)).codes.complete


def test_the_digest_differs_between_files(tmp_path: Path):
    first = read_codes(saved(tmp_path)).sha256
    assert read_codes(saved(tmp_path)).sha256 == first
    assert read_codes(saved(tmp_path, codes=CODES + 1)).sha256 != first


@pytest.mark.parametrize(
    ("arrays", "message", "hint"),
    [
        ({"code": CODES}, "an array 'code' that means nothing", "did you mean 'codes'?"),
        (
            {"xyzzy": CODES},
            "an array 'xyzzy'",
            "it may hold factor_names, class_factor, complete, variables, groups, scales, images",
        ),
        ({"factors": FACTORS[:3]}, "12 codes but factors of 3 images", None),
        ({"factor_names": ["one"]}, "2 factors but 1 names", None),
        ({"class_factor": "factor1"}, "no factor 'factor1'", "did you mean 'factor_1'?"),
    ],
)
def test_a_wrong_array_is_named(tmp_path: Path, arrays: dict[str, Any], message: str, hint: str):
    with pytest.raises(UsageError) as error:
        read_codes(saved(tmp_path, **arrays))
    assert message in error.value.message
    assert error.value.hint == hint


def test_codes_alone_have_no_factors(tmp_path: Path):
    np.savez(tmp_path / "codes.npz", codes=CODES)
    found = read_codes(tmp_path / "codes.npz")
    assert found.codes.factor_names == ()
    assert found.class_factor is None


def test_a_file_without_codes_has_a_hint_to_its_format(tmp_path: Path):
    np.savez(tmp_path / "codes.npz", factors=FACTORS)
    with pytest.raises(UsageError, match="no array 'codes'") as error:
        read_codes(tmp_path / "codes.npz")
    assert "np.savez" in (error.value.hint or "")


def test_a_single_array_is_not_enough(tmp_path: Path):
    np.save(tmp_path / "codes.npy", CODES)
    with pytest.raises(UsageError, match="holds a single array"):
        read_codes(tmp_path / "codes.npy")


def test_python_objects_are_not_opened(tmp_path: Path):
    objects = np.array([{"a": 1}] * 12, dtype=object)
    with pytest.raises(DataError, match="it holds Python objects"):
        read_codes(saved(tmp_path, codes=objects))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and then nothing"])
def test_files_that_are_not_numpys_are_refused(tmp_path: Path, content: bytes):
    (tmp_path / "codes.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read_codes(tmp_path / "codes.npz")


def test_a_missing_file_is_missing_data(tmp_path: Path):
    with pytest.raises(DataError, match=r"codes\.npz' cannot be read \(No such file") as error:
        read_codes(tmp_path / "codes.npz")
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"factor_names": "shape"}, "must be a list, not 0-d"),
        ({"class_factor": ["factor_0", "factor_1"]}, "must be a single value, not 1-d"),
        ({"complete": [True, False]}, "must be a single value, not 1-d"),
    ],
)
def test_an_array_of_other_dimensions_is_named(
    tmp_path: Path, arrays: dict[str, Any], message: str
):
    with pytest.raises(UsageError, match=message) as refused:
        read_codes(saved(tmp_path, **arrays))
    assert refused.value.message.startswith(next(iter(arrays)))


def header(text: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (header(b'{"a": [[[[\n'), "no NumPy file"),
        (header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-5, 10)}\n"), "no NumPy file"),
        (
            header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 10)}\n"),
            "does not fit into the memory",
        ),
    ],
)
def test_a_forged_array_is_refused(tmp_path: Path, member: bytes, message: str):
    path = tmp_path / "codes.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("codes", "factors"):
            archive.writestr(f"{name}.npy", member)
    with pytest.raises(DataError, match=message):
        read_codes(path)


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)], ids=["encrypted", "packing"])
def test_an_archive_that_cannot_be_unpacked_is_refused(tmp_path: Path, place: int, value: int):
    path = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + place] = value  # in the list of its members
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read_codes(path)


def test_columns_can_be_in_groups(tmp_path: Path):
    codes = np.hstack([CODES, CODES])
    variables, groups = ["kind", "kind", "x", "y"], ["pose", "pose", "look", "pose"]
    found = read_codes(saved(tmp_path, codes=codes, variables=variables, groups=groups)).codes
    assert {g.name: [v.name for v in g.variables] for g in found.groups} == {
        "pose": ["kind", "y"],
        "look": ["x"],
    }
    assert found.is_grouped
    single = read_codes(saved(tmp_path, groups=["a", "a"])).codes
    assert [v.name for v in single.groups[0].variables] == ["z_0", "z_1"]
    assert not single.is_grouped
    with pytest.raises(UsageError, match=r"groups in .* has 1 names for 2 columns"):
        read_codes(saved(tmp_path, groups=["a"]))
    with pytest.raises(UsageError, match=r"groups in .* splits the variable 'kind'"):
        read_codes(saved(tmp_path, variables=["kind", "kind"], groups=["a", "b"]))


def test_measured_factors_are_binned_on_request(tmp_path: Path):
    factors = np.random.default_rng(0).normal(size=(12, 2))
    path = saved(tmp_path, factors=factors)
    with pytest.raises(UsageError, match="not all whole numbers"):
        read_codes(path)
    assert read_codes(path, factor_bins=4).codes.factors_NF.max(0).tolist() == [3, 3]

"""Files of codes from other programs: their arrays, and the errors of invalid files."""

from __future__ import annotations

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
        ({"xyzzy": CODES}, "an array 'xyzzy'", "it may hold factor_names, class_factor, complete"),
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


def test_a_file_without_factors_has_a_hint_to_its_format(tmp_path: Path):
    np.savez(tmp_path / "codes.npz", codes=CODES)
    with pytest.raises(UsageError, match="no array 'factors'") as error:
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

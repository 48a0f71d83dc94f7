"""Whatever the files of a run folder hold, opening it ends in a result or in one line.

Random values take the place of random parts of the files, or random bytes that of a whole file.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner import cli
from tests.made_run_folders import config, write_run

FILES = ("status.json", "summary.json", "scores.json", "config.yaml", "config_unresolved.yaml")
ENTRY = {"settings": {"bins": 20}, "seed": 0, "images": 9, "scores": {"mig": 0.5}}
SCORES = {"of": {"step": 1000}, "scores": {"mean/mig": ENTRY}}

texts = st.text(max_size=12) | st.sampled_from(
    ["${oc.env:HOME}", "\x1b[31m", "$\\frac", "[/]", "a=b", "\u202e", "1e-3", "../x", "=1"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def paths(tree: object, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every part of a tree but the whole."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield (*prefix, key)
            yield from paths(value, (*prefix, key))


def replaced(tree: Any, path: tuple[Any, ...], value: object) -> None:
    for key in path[:-1]:
        tree = tree[key]
    tree[path[-1]] = value


@contextmanager
def made() -> Iterator[Path]:
    with TemporaryDirectory() as place:
        run = write_run(Path(place) / "runs" / "0", config(), terms={"index_code_mi": 1.0})
        (run / "scores.json").write_text(json.dumps(SCORES))
        yield run


def change(path: Path, data: st.DataObject) -> None:
    """Change something in a file."""
    if data.draw(st.sampled_from([False, False, False, True]), "whole"):
        path.write_bytes(data.draw(st.binary(max_size=30), "bytes"))
        return
    tree = yaml.safe_load(path.read_text())
    place = data.draw(st.sampled_from(sorted(paths(tree), key=str)), "place")
    replaced(tree, place, data.draw(values, "value"))
    is_json = path.suffix == ".json"
    path.write_text(json.dumps(tree) if is_json else yaml.safe_dump(tree, sort_keys=False))


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def called(*arguments: str) -> tuple[int, str]:
    """The exit code of a command in this process, and what it says on standard error."""
    said, before = io.StringIO(), sys.argv
    sys.argv = ["vaerun", *arguments]
    try:
        with redirect_stderr(said), redirect_stdout(io.StringIO()):
            code = cli.main()
    finally:
        sys.argv = before
    return code, said.getvalue()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_comparison_ends_in_a_result_or_in_one_line(data: st.DataObject):
    with made() as run:
        names = st.lists(st.sampled_from(FILES), min_size=1, max_size=2, unique=True)
        for name in data.draw(names, "files"):
            change(run / name, data)
        before = snapshot(run.parent)
        code, said = called("compare", str(run.parent), "--no-figures")
        assert code in (0, 2, 3)
        assert not set(said) & set("\x1b\u202e\x07")
        if code:
            assert said.startswith("error: ") or "\nerror: " in said
            assert len(said.splitlines()) <= 4
            assert snapshot(run.parent) == before


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_run_without_a_checkpoint_is_not_evaluated_and_not_changed(data: st.DataObject):
    with made() as run:
        change(run / data.draw(st.sampled_from(FILES), "file"), data)
        before = snapshot(run)
        code, said = called("evaluate", str(run), "metrics=fast")
        assert code in (2, 3)
        assert "error: " in said
        assert len(said.splitlines()) <= 4
        assert not set(said) & set("\x1b\u202e\x07")
        assert snapshot(run) == before

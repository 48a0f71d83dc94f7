"""The records of a run: read in bounded memory, cut exactly, and refused where they are none."""

import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest

from runner.errors import DataError
from runner.store import records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def write(path: Path, count: int) -> None:
    path.write_text("".join(f'{{"step": {step}, "loss": {step}.5}}\n' for step in range(count)))


NO_RECORDS = {
    "a fraction as step": '{"step": 1.5}',
    "a step with a point": '{"step": 1.0}',
    "a step in words": '{"step": "1"}',
    "a step of null": '{"step": null}',
    "a negative step": '{"step": -1}',
    "a step of 30 digits": f'{{"step": {"9" * 30}}}',
    "a step that is true": '{"step": true}',
    "no step": '{"loss": 1.0}',
    "a word as value": '{"step": 1, "loss": "1.0"}',
    "a list as value": '{"step": 1, "loss": [1.0]}',
    "5,000 digits": f'{{"step": 1, "loss": {"9" * 5000}}}',
    "a number beyond all": '{"step": 1, "loss": 1e999}',
    "NaN": '{"step": 1, "loss": NaN}',
    "deep nesting": '{"step": 1, "loss": ' + "[" * 100_000,
    "a deep object": '{"a":' * 100_000,
    "two records": '{"step": 1}{"step": 2}',
    "no object": "3",
    "nothing": "",
    "a zero byte": "\0",
}


@pytest.mark.parametrize("line", NO_RECORDS.values(), ids=NO_RECORDS)
def test_a_line_that_is_no_record_is_named(path: Path, line: str) -> None:
    path.write_text(f'{{"step": 0}}\n{line}\n{{"step": 5}}\n')
    before = path.read_bytes()
    for use in (records.read, lambda path: list(records.iterate(path))):
        with pytest.raises(DataError, match=r"metrics.jsonl' is corrupt: line 2 is not a record"):
            use(path)
    with pytest.raises(DataError, match="line 2"):
        records.rewind(path, 3)
    assert path.read_bytes() == before


def test_bytes_that_are_no_text_are_no_record(path: Path) -> None:
    path.write_bytes(b'{"step": 0}\n{"step": 1, "\xff": 2}\n')
    with pytest.raises(DataError, match="line 2"):
        records.read(path)


def test_an_endless_line_is_no_record(path: Path) -> None:
    path.write_bytes(b'{"step": 0}\n' + b" " * 2**25)
    with pytest.raises(DataError, match="line 2"):
        records.read(path)


def test_steps_do_not_fall(path: Path) -> None:
    path.write_text('{"step": 5}\n{"step": 4}\n')
    with pytest.raises(DataError, match="line 2 has step 4 after step 5"):
        records.read(path)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21, 999])
def test_of_many_records_evenly_spaced_ones_and_the_last_are_read(path: Path, count: int) -> None:
    write(path, count)
    steps = [record["step"] for record in records.read(path, most=10)]
    assert len(steps) <= 11
    assert steps[-1:] == ([count - 1] if count else [])
    if count <= 10:
        assert steps == list(range(count))
    else:
        gaps = {later - earlier for earlier, later in pairwise(steps[:-1])}
        assert len(gaps) == 1
        assert steps[0] == 0


def test_the_memory_of_reading_and_cutting_does_not_grow_with_the_file(path: Path) -> None:
    write(path, 100_000)
    tracemalloc.start()
    try:
        records.read(path, most=100)
        records.rewind(path, 50_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20 < path.stat().st_size
    assert sum(1 for _ in records.iterate(path)) == 50_001


@pytest.mark.parametrize("torn", ["", '{"step": 99, "lo'])
@pytest.mark.parametrize(("step", "kept"), [(-1, 0), (0, 1), (7, 8), (100, 10)])
def test_cutting_keeps_whole_lines_up_to_a_step(
    path: Path, torn: str, step: int, kept: int
) -> None:
    write(path, 10)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines) + torn)
    records.rewind(path, step)
    assert path.read_text() == "".join(lines[:kept])


def test_nothing_is_written_where_nothing_is_cut(path: Path) -> None:
    write(path, 3)
    before = path.stat().st_mtime_ns
    records.rewind(path, 2)
    assert path.stat().st_mtime_ns == before

"""Every folder has an entry in a list: also one that is corrupt, or whose process is gone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from runner.comparison.overview import Overview, overview, read_overviews
from runner.store.lock import lock
from tests.made_run_folders import config, write_run


def seen_elsewhere(path: Path) -> Overview:
    """The run as another thread sees it: a lock of one's own thread is no other process."""
    found: list[Overview] = []
    thread = threading.Thread(target=lambda: found.append(overview(path)))
    thread.start()
    thread.join()
    return found[0]


def test_a_running_run_is_known_by_its_lock(tmp_path: Path):
    run = write_run(tmp_path / "a", config(), state="running")
    with lock(run):
        assert seen_elsewhere(run).state == "running"
    dead = overview(run)
    assert (dead.state, dead.error) == ("interrupted", "it is running")
    (run / "status.json").write_text('{"state": "running", "step": 3, "steps": 9}')
    dead = overview(run)
    assert (dead.state, dead.error) == ("interrupted", "its process is gone")
    assert (dead.step, dead.steps) == (3, 9)


def test_a_running_run_is_where_its_last_record_is(tmp_path: Path):
    run = write_run(tmp_path / "a", config())
    (run / "status.json").write_text('{"state": "running", "step": 3, "steps": 9}')
    (run / "metrics.jsonl").write_text('{"step": 2}\n{"step": 7}\n')
    with lock(run):
        assert seen_elsewhere(run).step == 7
        (run / "metrics.jsonl").write_text("corrupt\n")
        assert seen_elsewhere(run).step == 3
    (run / "metrics.jsonl").write_text('{"step": 7}\n')
    assert overview(run).step == 3  # where it goes on


def test_the_age_is_that_of_the_status(tmp_path: Path):
    run = write_run(tmp_path / "a", config())
    then = (run / "status.json").stat().st_mtime - 7200
    os.utime(run / "status.json", (then, then))
    assert overview(run).age == pytest.approx(7200, abs=60)
    os.utime(run / "status.json", (then + 20_000, then + 20_000))
    assert overview(run).age == 0  # a clock that runs ahead


@pytest.mark.parametrize("name", ["config.yaml", "status.json", "summary.json"])
def test_a_folder_that_cannot_be_read_says_why(tmp_path: Path, name: str):
    good = write_run(tmp_path / "good", config())
    bad = write_run(tmp_path / "bad", config())
    (bad / name).write_text("{\x1b[31m")
    first, second = read_overviews([bad, good])
    assert (first.state, first.run, first.settings, first.metrics) == ("corrupt", None, {}, {})
    assert str(bad / name) in (first.error or "")
    assert "\x1b" not in (first.error or "")
    assert second.state == "finished"


def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path):
    run = write_run(tmp_path / "runs" / "a", config())
    (tmp_path / "status.json").write_text('{"state": "finished"}')
    (run / "status.json").unlink()
    (run / "status.json").symlink_to(tmp_path / "status.json")
    found = overview(run)
    assert found.state == "corrupt"
    assert "is a link out of" in (found.error or "")

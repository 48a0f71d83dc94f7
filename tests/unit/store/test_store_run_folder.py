"""The run folder: files are read back as written, and replaced atomically."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from runner.errors import DataError, UsageError
from runner.store.run_folder import STATES, RunFolder, write_atomically


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "outputs" / "run")


def names(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in folder.path.rglob("*") if path.is_file())


def test_a_new_folder_is_made_with_its_parents(folder: RunFolder) -> None:
    assert folder.path.is_dir()
    assert RunFolder.create(folder.path) == folder


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UsageError, match=f"cannot write to '{file}/run': Not a directory") as error:
        RunFolder.create(file / "run")
    assert error.value.hint == "choose another folder with out=…"


def test_a_read_only_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", refuse)  # the administrator may write anywhere
    with pytest.raises(UsageError, match="read-only"):
        RunFolder.create(tmp_path)


def test_a_run_folder_is_recognised_by_its_config(folder: RunFolder) -> None:
    with pytest.raises(UsageError, match=r"is not a run folder \(it has no config.yaml\)"):
        RunFolder.open(folder.path)
    folder.write_config("beta: 4\nname: β\n")
    assert RunFolder.open(folder.path).read_config() == "beta: 4\nname: β\n"


def test_the_hint_says_what_the_path_is_instead(folder: RunFolder) -> None:
    folder.write_config("")
    with pytest.raises(UsageError) as error:
        RunFolder.open(folder.path.parent)
    assert error.value.hint == f"it holds runs, such as '{folder.path}'"
    (folder.path.parent / "sweep-mine").mkdir()
    (folder.path.parent / "sweep-mine" / "grid.json").write_text("{}")
    with pytest.raises(UsageError) as error:
        RunFolder.open(folder.path.parent)
    assert error.value.hint == f"it holds grids, such as '{folder.path.parent / 'sweep-mine'}'"
    with pytest.raises(UsageError) as error:
        RunFolder.open(folder.path / "nowhere")
    assert error.value.hint == "there is no such folder"


def test_a_config_that_is_not_text_is_refused(folder: RunFolder) -> None:
    (folder.path / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a text file"):
        folder.read_config()


def test_status_changes_are_merged_in_order(folder: RunFolder) -> None:
    assert folder.read_status() == {}
    folder.update_status(state="running", step=0, error=None)
    folder.update_status(step=50, device="cpu")
    folder.update_status(state="finished")
    assert list(folder.read_status().items()) == [
        ("state", "finished"),
        ("step", 50),
        ("error", None),
        ("device", "cpu"),
    ]


def test_only_the_six_states_exist(folder: RunFolder) -> None:
    for state in STATES:
        folder.update_status(state=state)
    with pytest.raises(
        ValueError, match="running, finished, interrupted, failed, diverged, pruned"
    ):
        folder.update_status(state="done")
    assert folder.read_status() == {"state": "pruned"}


@pytest.mark.parametrize("content", [b"", b'{"state": "runn', b"[1]", b"\xff"])
def test_a_corrupt_status_is_refused(folder: RunFolder, content: bytes) -> None:
    (folder.path / "status.json").write_bytes(content)
    with pytest.raises(DataError, match=r"status.json' is corrupt"):
        folder.read_status()


def test_records_are_read_back(folder: RunFolder) -> None:
    assert folder.read_records() == []
    records = [{"step": step, "loss": 1 / step, "terms/reconstruction": 0.1} for step in (1, 2, 3)]
    for record in records:
        folder.append_record(record)
    assert folder.read_records() == records
    assert len((folder.path / "metrics.jsonl").read_text().splitlines()) == 3


def test_every_line_is_json_by_the_standard(folder: RunFolder) -> None:
    folder.append_record({"step": 1, "loss": math.nan, "rate": math.inf, "speed": -math.inf})
    folder.write_summary({"elbo": math.nan, "scores": {"purity": 0.5, "rest": [1.0, -math.inf]}})

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not JSON")

    line = (folder.path / "metrics.jsonl").read_text()
    record = json.loads(line, parse_constant=refuse)
    assert record == {"step": 1, "loss": None, "rate": None, "speed": None}
    summary = json.loads((folder.path / "summary.json").read_text(), parse_constant=refuse)
    assert summary == {"elbo": None, "scores": {"purity": 0.5, "rest": [1.0, None]}}


def test_an_incomplete_last_line_is_ignored(folder: RunFolder) -> None:
    folder.append_record({"step": 1, "loss": 2.5})
    folder.append_record({"step": 2, "loss": 1.5})
    path = folder.path / "metrics.jsonl"
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for length in range(first, len(content)):
        path.write_bytes(content[:length])
        assert folder.read_records() == [{"step": 1, "loss": 2.5}]


@pytest.mark.parametrize("line", ["{broken", "[1, 2]", '{"loss": 1.0}', ""])
def test_a_complete_line_that_is_no_record_is_refused(folder: RunFolder, line: str) -> None:
    folder.append_record({"step": 1})
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write(f"{line}\n")
    folder.append_record({"step": 3})
    with pytest.raises(DataError, match="line 2 is not a record"):
        folder.read_records()


def test_rewinding_keeps_the_records_before_the_checkpoint(folder: RunFolder) -> None:
    folder.rewind_records(10)
    assert names(folder) == []
    for step in (1, 50, 100, 150):
        folder.append_record({"step": step, "loss": float(step)})
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 200, "lo')
    folder.rewind_records(100)
    folder.append_record({"step": 150, "loss": 0.0})
    assert [record["step"] for record in folder.read_records()] == [1, 50, 100, 150]
    assert folder.read_records()[-1]["loss"] == 0.0


def test_records_can_be_synced_before_there_are_any(folder: RunFolder) -> None:
    folder.sync_records()
    assert names(folder) == []
    folder.append_record({"step": 1})
    folder.sync_records()
    assert folder.read_records() == [{"step": 1}]


def test_the_summary_is_read_back(folder: RunFolder) -> None:
    assert folder.read_summary() == {}
    summary = {"elbo": -85.25, "terms": {"reconstruction": 73.5}, "scores": {}}
    folder.write_summary(summary)
    assert folder.read_summary() == summary


def test_a_figure_becomes_a_png(folder: RunFolder) -> None:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    path = folder.write_figure("latents", figure)
    assert path == folder.path / "figures" / "latents.png"
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.size == tuple(figure.get_size_inches() * figure.dpi)  # to the pixel
    assert names(folder) == ["latents.png"]


@pytest.mark.parametrize("channels", [1, 3])
def test_an_animation_repeats_forever(folder: RunFolder, channels: int) -> None:
    frames_FHWC = np.zeros((4, 6, 8, channels), np.uint8)
    for frame in range(4):
        frames_FHWC[frame, :, 2 * frame :] = 255
    path = folder.write_animation("traversal", frames_FHWC, seconds_per_frame=0.12)
    assert path == folder.path / "figures" / "traversal.gif"
    with Image.open(path) as image:
        assert (image.format, image.n_frames, image.size) == ("GIF", 4, (8, 6))
        assert image.info["loop"] == 0
        for frame in range(4):
            image.seek(frame)
            assert image.info["duration"] == 120
            seen = np.asarray(image.convert("RGB"))
            np.testing.assert_array_equal(seen, np.broadcast_to(frames_FHWC[frame], seen.shape))


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "status.json"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


def test_a_folder_that_cannot_be_synced_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECTORY:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, mode)

    monkeypatch.setattr("runner.store.confined.os.open", refuse)
    write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"

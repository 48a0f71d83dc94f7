"""A run that is killed at any point and resumed has the results of one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.end_to_end.conftest import Vaerun, command, environment

ARGUMENTS = (
    "dataset=digits",
    "metrics=none",
    "prior=concrete_normal",
    "objective=hfvae",
    # All state beside the parameters: a memory bank, a discriminator, a schedule.
    "objective.encodings=512",
    "objective.penalties.discriminator.weight=2",
    "objective.penalties.discriminator.widths=[20]",
    "beta={linear: {from: 0, to: 12, over: 200}}",
    "steps=240",
    "training.record_every=10",
    "evaluation.map_points=50",
    "evaluation.traversal_steps=3",
)
ALWAYS_SAVING = "training.checkpoint_minutes=0.000001"


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background ignores Ctrl-C, and so would the process under test.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def wait_for(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait, at most a minute, until a condition holds for a running process."""
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "nothing happened for a minute"


def only_run(folder: Path) -> Path:
    runs = list((folder / "outputs").glob("*/*"))
    assert len(runs) == 1
    return runs[0]


def records(run: Path) -> list[dict[str, Any]]:
    """All records without the speed, which depends on the machine."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines]
    for record in kept:
        del record["images_per_second"]
    return kept


def outcome(run: Path) -> dict[str, Any]:
    """Records, parameters, moments and final figures, to the last bit."""
    state = json.loads((run / "checkpoint" / "state.json").read_text())
    tensors = {
        f"{stem}/{name}": tensor.numpy().tobytes()
        for stem, file in state["files"].items()
        for name, tensor in load_file(run / "checkpoint" / file["name"]).items()
    }
    summary = json.loads((run / "summary.json").read_text())
    return {"records": records(run), "tensors": tensors, "summary": summary}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = start(folder, *ARGUMENTS)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return outcome(only_run(folder))


def written(folder: Path) -> int:
    return sum(len(p.read_text().splitlines()) for p in folder.glob("outputs/*/*/metrics.jsonl"))


def being_written(folder: Path) -> bool:
    """Whether a file of a checkpoint is incomplete."""
    finished = (".safetensors", ".json")
    return any(
        path.name.startswith(".") or not path.name.endswith(finished)
        for path in folder.glob("outputs/*/*/checkpoint/*")
    )


@pytest.mark.parametrize("records_before", [1, 7, 20])
def test_killed_between_records(
    vaerun: Vaerun, tmp_path: Path, uninterrupted: dict[str, Any], records_before: int
):
    process = start(tmp_path, *ARGUMENTS, "training.checkpoint_minutes=0.002")
    wait_for(process, lambda: written(tmp_path) >= records_before)
    process.kill()
    process.communicate()
    run = only_run(tmp_path)
    assert json.loads((run / "status.json").read_text())["state"] == "running"
    done = vaerun("resume", str(run))
    assert done.returncode == 0, done.stderr
    assert outcome(run) == uninterrupted


def test_killed_again_and_again_while_writing_checkpoints(
    vaerun: Vaerun, tmp_path: Path, uninterrupted: dict[str, Any]
):
    process = start(tmp_path, *ARGUMENTS, ALWAYS_SAVING)
    torn = 0
    for _ in range(4):
        wait_for(process, lambda: written(tmp_path) >= 2 and being_written(tmp_path))
        process.kill()
        process.communicate()
        torn += being_written(tmp_path)  # the kill hit a file that was being written
        process = start(tmp_path, "resume", str(only_run(tmp_path)))
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert torn > 0
    assert outcome(only_run(tmp_path)) == uninterrupted


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_finishes_the_step_and_says_how_to_go_on(
    vaerun: Vaerun, tmp_path: Path, uninterrupted: dict[str, Any], number: int, code: int
):
    process = start(tmp_path, *ARGUMENTS)
    wait_for(process, lambda: written(tmp_path) >= 5)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    run = only_run(tmp_path)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert f"go on with: vaerun resume {run.relative_to(tmp_path)}" in said
    status = json.loads((run / "status.json").read_text())
    assert status["state"] == "interrupted"
    saved = json.loads((run / "checkpoint" / "state.json").read_text())
    assert status["step"] == saved["state"]["step"]
    assert vaerun("resume", str(run)).returncode == 0
    assert outcome(run) == uninterrupted


def test_a_finished_run_can_be_trained_further_but_not_changed(vaerun: Vaerun, tmp_path: Path):
    short = [each for each in ARGUMENTS if not each.startswith("steps")]
    assert vaerun(*short, "steps=20").returncode == 0
    run = only_run(tmp_path)
    again = vaerun("resume", str(run))
    assert again.returncode == 2
    assert "is finished, at step 20" in again.stderr
    changed = vaerun("resume", str(run), "beta=3")
    assert changed.returncode == 2
    assert "resume cannot change 'beta'" in changed.stderr
    wrong = vaerun("resume", str(run), "evaluation.encodigs=3")
    assert wrong.returncode == 2, wrong.stderr
    assert "Traceback" not in wrong.stderr
    earlier = vaerun("resume", str(run), "steps=10")
    assert earlier.returncode == 2
    assert "steps=10 lies before step 20" in earlier.stderr
    further = vaerun("resume", str(run), "steps=40")
    assert further.returncode == 0, further.stderr
    assert json.loads((run / "status.json").read_text())["step"] == 40
    assert [record["step"] for record in records(run)] == [1, 10, 20, 30, 40]


def test_killed_before_the_first_checkpoint_a_run_starts_again(
    vaerun: Vaerun, tmp_path: Path, uninterrupted: dict[str, Any]
):
    process = start(tmp_path, *ARGUMENTS)
    wait_for(process, lambda: any(tmp_path.glob("outputs/*/*/config.yaml")))
    process.kill()
    process.communicate()
    run = only_run(tmp_path)
    for path in (run / "checkpoint").glob("*"):  # if the kill came too late for the test
        path.unlink()
    for name in ("status.json", "metrics.jsonl"):
        (run / name).unlink(missing_ok=True)
    assert vaerun("resume", str(run)).returncode == 0
    assert outcome(run) == uninterrupted


def test_a_corrupt_checkpoint_is_named(vaerun: Vaerun, tmp_path: Path):
    assert vaerun(*ARGUMENTS, "steps=5").returncode == 0
    run = only_run(tmp_path)
    (file,) = (run / "checkpoint").glob("model-*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    done = vaerun("resume", str(run), "steps=9")
    assert done.returncode == 3
    assert file.name in done.stderr
    assert "Traceback" not in done.stderr

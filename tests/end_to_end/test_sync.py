"""A grid that was trained offline, uploaded to W&B by ``vaerun sync``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from runner.store.lock import lock
from runner.tracking.upload import sign_log
from tests.end_to_end.conftest import Vaerun
from tests.stub_wandb import KEY, StubWandb

SMALL = (
    "dataset=digits",
    "metrics=none",
    "objective=hfvae",
    "steps=10",
    "training.record_every=5",
    "evaluation.map_points=50",
    "evaluation.traversal_steps=3",
    "sweep_name=mnist_grid",
    "wandb.tags=[paper]",
    "tracking.to=[wandb,csv]",
    "tracking.images_every=10",
)
OFFLINE = {"WANDB_MODE": "offline"}
FIGURES = ("reconstructions", "samples", "traversals", "interpolation", "information", "latents")


def reading(url: str) -> dict[str, str]:
    return {"WANDB_BASE_URL": url, "WANDB_API_KEY": KEY}


def test_an_offline_grid_is_uploaded_completely_and_once(vaerun: Vaerun, tmp_path: Path):
    """One of its runs was resumed, and another process is still at work on one."""
    assert vaerun(*SMALL, "-m", "beta=1,4,12", **OFFLINE).returncode == 0
    runs = sorted(status.parent for status in tmp_path.glob("outputs/**/status.json"))
    resumed, _, running = runs
    assert vaerun("resume", str(resumed), "steps=20", **OFFLINE).returncode == 0
    with StubWandb() as server:
        with lock(running):
            first = vaerun("sync", "outputs", **reading(server.url))
        assert first.returncode == 0, first.stderr
        shown = [str(run.relative_to(tmp_path)) for run in runs]
        assert sorted(first.stdout.splitlines()) == shown[:2]
        assert f"left for later: {shown[2]} is still at work" in first.stderr
        assert len(server.runs) == 2
        assert vaerun("sync", shown[2], **reading(server.url)).stdout == f"{shown[2]}\n"
        requests = len(server.operations)
        again = vaerun("sync", "outputs", **reading(server.url))
        assert (again.returncode, again.stdout) == (0, "")
        assert again.stderr == "nothing to upload: W&B has 3 runs that were logged offline\n"
        assert len(server.operations) == requests
        received = {run.config["beta"]["value"]: run for run in server.runs.values()}
    assert not list(tmp_path.glob("wandb"))  # `wandb sync` writes its debug logs elsewhere
    assert sorted(received) == [1, 4, 12]
    for run in runs:
        config = yaml.safe_load((run / "config.yaml").read_text())
        check_arrived(received[config["beta"]], run)
    assert [row["step"] for row in received[1].history if "loss" in row] == [1, 5, 10, 15, 20]


def check_arrived(received, run: Path) -> None:
    assert received.about["groupName"] == "mnist_grid"
    assert received.about["tags"] == ["paper"]
    assert received.exit_code == 0
    assert received.config["objective"]["value"]["name"] == "hfvae"
    assert {"alpha", "beta", "gamma", "seed", "sweep_name"} <= received.config.keys()
    summary = json.loads((run / "summary.json").read_text())
    assert received.summary["elbo"] == pytest.approx(summary["elbo"])
    assert received.summary["terms/reconstruction"] == summary["terms"]["reconstruction"]
    assert received.summary["rate"] == summary["rate"]
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [record["loss"] for record in records]
    shown = received.summary["loss"]
    assert (shown["min"], shown["last"]) == pytest.approx((min(losses), losses[-1]))
    for name in FIGURES:
        stored = received.summary[f"figures/{name}"]["path"]
        assert received.files[stored] == (run / "figures" / f"{name}.png").read_bytes()
    for name in ("reconstructions", "traversals"):
        drawn = {path.read_bytes() for path in run.glob(f"figures/training/{name}-*.png")}
        media = f"media/images/figures/training/{name}_"
        sent = {content for path, content in received.files.items() if path.startswith(media)}
        assert sent == drawn


def test_errors_are_one_line_before_anything_is_sent(vaerun: Vaerun, tmp_path: Path):
    run = tmp_path / "outputs" / "0"
    log = run / "wandb" / "offline-run-20260101_000000-abc" / "run-abc.wandb"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"not a log")
    (run / "config.yaml").write_text("seed: 0\n")
    (run / "status.json").write_text('{"state": "finished"}')
    expect(vaerun("sync", "outputs"), 2, "not known as yours: 'outputs/0'")
    sign_log(log)
    with StubWandb() as server:
        bad_key = reading(server.url) | {"WANDB_API_KEY": "short"}
        refused = reading(server.url)
        expect(vaerun("sync", "outputs", WANDB_BASE_URL=server.url), 2, "no W&B API key")
        expect(vaerun("sync", "outputs", **bad_key), 2, "WANDB_API_KEY invalid")
        server.refuse_with = 401
        expect(vaerun("sync", "outputs", **refused), 2, "Failed to authenticate")
        server.refuse_with = None
        done = vaerun("sync", "outputs", **refused)  # the log itself is broken
        assert (done.returncode, done.stdout) == (1, "")
        assert f"error: {log.relative_to(tmp_path)}: " in done.stderr
        assert list(server.runs) == []
    expect(vaerun("sync", "outputs", **refused), 1, "does not answer")
    expect(vaerun("sync", "elsewhere"), 2, "'elsewhere' is not a run folder")


def expect(done, exit_code: int, complaint: str) -> None:
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert re.search(complaint, done.stderr.splitlines()[0]), done.stderr
    assert "Traceback" not in done.stderr

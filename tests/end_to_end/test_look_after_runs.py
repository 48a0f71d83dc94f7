"""Trained runs are listed, shown, compared setting by setting, exported and deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.bad_input import SMALL_RUN
from tests.end_to_end.conftest import ForkServer, Vaerun, in_folder


@pytest.fixture(scope="module")
def home(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs."""
    home = tmp_path_factory.mktemp("home")
    vaerun = in_folder(fork_server, home)
    for name, settings in {"first": ["seed=1"], "second": ["seed=2", "beta=6"]}.items():
        done = vaerun(*SMALL_RUN, "objective=beta_vae", *settings, f"hydra.run.dir=outputs/{name}")
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def vaerun(fork_server: ForkServer, home: Path) -> Vaerun:
    return in_folder(fork_server, home)


def test_runs_are_listed_shown_and_compared(vaerun: Vaerun):
    found = json.loads(vaerun("list", "runs", "--sort", "-seed", "--json").stdout)
    assert [each["run"] for each in found] == ["outputs/second", "outputs/first"]
    assert [each["differing"] for each in found] == [{"beta": 6, "seed": 2}, {"beta": 4, "seed": 1}]
    shown = json.loads(vaerun("show", "outputs/second", "--json").stdout)
    assert (shown["own"], shown["state"], shown["checkpoint_step"]) == (True, "finished", 2)
    assert {"beta": 6, "seed": 2, "steps": 2}.items() <= shown["changed"].items()
    text = vaerun("show", "outputs/second")
    assert (text.returncode, text.stderr) == (0, "")
    assert "has nothing left to do" in text.stdout
    different = json.loads(vaerun("diff", "outputs/first", "outputs/second", "--json").stdout)
    main = {name: each["values"] for name, each in different["settings"].items()
            if not each["follows"]}  # fmt: skip
    assert main == {"beta": [4, 6], "seed": [1, 2]}


def test_a_run_that_went_on_is_shown_with_its_new_settings(vaerun: Vaerun):
    assert vaerun("resume", "outputs/first", "steps=3").returncode == 0
    shown = json.loads(vaerun("show", "outputs/first", "--json").stdout)
    assert (shown["changed"]["steps"], shown["status"]["steps"]) == (3, 3)


def test_a_run_is_exported_and_used_without_the_program(vaerun: Vaerun, home: Path):
    done = vaerun("export", "outputs/second", "-o", "model", "--format", "torch")
    assert (done.returncode, done.stdout) == (0, "model\n"), done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert str(home.parent) not in (home / "model" / "encoder.pt2").read_bytes().decode("latin1")
    images = torch.rand(5, 1, 8, 8)
    encode = torch.export.load(home / "model" / "encoder.pt2").module()
    decode = torch.export.load(home / "model" / "decoder.pt2").module()
    codes, means, scales = encode(images)
    assert codes.shape == means.shape == scales.shape == (5, 2)
    assert decode(codes).shape == images.shape


def test_a_run_is_deleted(vaerun: Vaerun, home: Path):
    outside = home / "outside"
    outside.mkdir()
    (outside / "a.png").write_text("precious")
    done = vaerun("delete", "outputs/first")
    assert (done.returncode, done.stdout) == (2, "")
    (home / "outputs" / "first" / "figures" / "a.png").symlink_to(outside / "a.png")
    done = vaerun("delete", "outputs/first", "--yes")
    assert (done.returncode, done.stdout) == (0, "outputs/first\n"), done.stderr
    assert not (home / "outputs" / "first").exists()
    assert (outside / "a.png").read_text() == "precious"
    assert (home / "outputs" / "second" / "config.yaml").is_file()

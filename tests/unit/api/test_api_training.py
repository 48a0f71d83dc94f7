"""``compose`` and ``train``, and what they leave as they found it."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path

import hydra
import matplotlib
import numpy as np
import pytest
import torch
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer

import runner
from runner.figures import of_run
from runner.method import vae
from runner.runs import fit
from tests.unit.api.conftest import SMALL


@pytest.fixture(autouse=True)
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time of such small runs."""
    monkeypatch.setattr(of_run, "FIGURES", {"samples": of_run.FIGURES["samples"]})


def _state() -> dict[str, object]:
    """Everything of the process that a library should leave alone."""
    repo = ConfigStore.instance().repo
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return {
        "resolvers": set(BaseContainer._resolvers),
        "stored configurations": {name for name in repo if name != "hydra"},
        "stored schemas": set(repo.get("schema", {})),
        "hydra": GlobalHydra.instance().hydra,
        "signals": [signal.getsignal(number) for number in signals],
        "torch seed": torch.random.get_rng_state().tolist(),
        "numpy seed": repr(np.random.get_state()),  # noqa: NPY002 - the state of whoever uses it
        "random": random.getstate(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "default dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "warnings": list(warnings.filters),
        "backend": matplotlib.get_backend(),
        "rcParams": dict(matplotlib.rcParams),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "streams": (sys.stdout, sys.stderr, sys.excepthook),
        "numpy errors": np.geterr(),
    }


def test_nothing_of_the_process_is_changed(
    out: Path, capfd: pytest.CaptureFixture[str], trained: runner.Run
):
    torch.set_float32_matmul_precision("high")
    before = _state()
    config = runner.compose(*SMALL, f"out={out}/state", "steps=2")
    run = runner.train(config)
    codes = run.encode(np.zeros((2, 8, 8)))
    run.decode(codes)
    run.sample(2)
    run.codes("test")
    run.evaluate("hoyer_sparsity", metrics="fast")
    run.draw_traversals(np.zeros((8, 8)))
    runner.compare(runner.find_runs(out))
    after = _state()
    torch.set_float32_matmul_precision("highest")
    assert {name for name in before if before[name] != after[name]} == set()
    assert capfd.readouterr() == ("", "")


def test_a_program_with_a_hydra_of_its_own_keeps_it(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text("size: 3\n")
    OmegaConf.register_new_resolver("vaerun.sum", lambda *_: "mine", replace=True)
    ConfigStore.instance().store(name="schema", node={"mine": 1})
    try:
        with hydra.initialize_config_dir(str(tmp_path), version_base="1.2"):
            assert runner.compose("objective=info_vae", "alpha=0.5").objective.penalties.mmd.weight
            assert hydra.compose("mine").size == 3
            assert OmegaConf.create({"a": "${vaerun.sum:1}"}).a == "mine"
            assert ConfigStore.instance().load("schema.yaml").node == {"mine": 1}
    finally:
        OmegaConf.clear_resolver("vaerun.sum")
        del ConfigStore.instance().repo["schema.yaml"]
        runner.config.register.cache_clear()


def test_settings_are_those_of_the_command_line():
    config = runner.compose("experiment=hfvae_mnist", "seed=3", "beta=7")
    assert (config.dataset.name, config.objective.name, config.seed) == ("mnist", "hfvae", 3)
    assert config.objective.weights.group_total_correlation == 7
    assert config.wandb.mode == "disabled"
    assert runner.compose("wandb.mode=auto").wandb.mode == "auto"
    assert runner.compose("epochs=2").epochs == 2
    with pytest.warns(UserWarning, match="beta has no effect with objective=vae"):
        runner.compose("objective=vae", "beta=3")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("objective=hfva", "unknown objective 'hfva'"),
        ("beta", "cannot read 'beta'"),
        ("~beta", "cannot read"),
        (5, "cannot read 5"),
        ("beta=1,2", "several values"),
        ("sweep=mnist_grid", "setting of grids"),
        ("launcher.processes=2", "setting of grids"),
        ("batch_size=0", "batch_size must be"),
        ("hydra/launcher=basic", "is not used here"),
    ],
)
def test_what_is_no_setting_is_refused_in_one_line(override: str, message: str):
    with pytest.raises(runner.UsageError, match=message) as refused:
        runner.compose(override)
    assert "\n" not in refused.value.message


def test_own_yaml_is_found(tmp_path: Path):
    (tmp_path / "objective").mkdir()
    text = (Path(fit.__file__).parents[2] / "conf/objective/beta_vae.yaml").read_text()
    mine = text.replace("name: beta_vae", "name: mine")
    (tmp_path / "objective" / "mine.yaml").write_text(mine)
    assert runner.compose("objective=mine", config_dir=tmp_path).objective.name == "mine"
    with pytest.raises(runner.UsageError, match="there is no folder"):
        runner.compose(config_dir=tmp_path / "none")


def test_a_run_is_as_one_of_the_command_line(trained: runner.Run, out: Path):
    assert trained.state == "finished"
    assert trained.path.is_relative_to(out)
    assert trained.path.name.endswith("-digits-hfvae")
    origin = yaml.safe_load((trained.path / "config_unresolved.yaml").read_text())
    assert origin["objective"]["weights"]["group_total_correlation"] == "${beta}"
    assert origin["composition"]["choices"]["prior"] == "concrete_normal"
    assert {"steps", "prior.dimensions"} <= set(origin["composition"]["changed"])


def test_settings_that_a_program_changes_are_trained(out: Path):
    config = runner.compose(*SMALL, "steps=1", f"out={out}/changed")
    other = replace(config, seed=5, name="mine")
    run = runner.train(other)
    other.training.compile = False  # what auto has chosen
    assert run.config == other
    assert run.path.name.endswith("-mine")
    origin = yaml.safe_load((run.path / "config_unresolved.yaml").read_text())
    assert origin["objective"]["weights"]["group_total_correlation"] == "${beta}"


def test_weights_that_no_longer_follow_are_refused(out: Path):
    config = runner.compose(*SMALL, f"out={out}/stale")
    config.beta = 3.0
    with pytest.raises(runner.UsageError, match="makes it 3"):
        runner.train(config)
    config = runner.compose(*SMALL, f"out={out}/stale")
    config.batch_size = -1
    with pytest.raises(runner.UsageError, match=r"^batch_size must be"):
        runner.train(config)
    with pytest.raises(runner.UsageError, match="train takes the settings"):
        runner.train({"beta": 3})
    assert not (out / "stale").exists()


def _interrupted_at(step: int, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = vae.train

    def watched(state, *rest):
        for record in real(state, *rest):
            if state.step == step:
                signal.raise_signal(number)
            yield record

    monkeypatch.setattr(vae, "train", watched)


def test_an_interrupt_leaves_a_checkpoint(out: Path, monkeypatch: pytest.MonkeyPatch):
    config = runner.compose(*SMALL, f"out={out}/stopped")
    _interrupted_at(3, monkeypatch, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="step 3 of 4, after a checkpoint"):
        runner.train(config)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    (run,) = runner.find_runs(out / "stopped")
    assert (run.state, run.status["step"]) == ("interrupted", 3)
    assert run.encode(np.zeros((8, 8))).means.shape == (1, 3)


def test_another_signal_reaches_the_program(out: Path, monkeypatch: pytest.MonkeyPatch):
    config = runner.compose(*SMALL, f"out={out}/terminated")
    _interrupted_at(2, monkeypatch, signal.SIGTERM)
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with pytest.raises(runner.InterruptedRun):
            runner.train(config)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]


def test_runs_are_trained_in_threads(out: Path):
    found: list[runner.Run] = []

    def work(seed: int) -> None:
        settings = runner.compose(*SMALL, f"seed={seed}", "steps=2", f"out={out}/threads")
        found.append(runner.train(settings))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.config.seed for run in found) == [1, 2]
    assert {run.state for run in found} == {"finished"}
    assert torch.get_float32_matmul_precision() == "highest"


def test_progress_is_shown_if_asked_for(out: Path, capfd: pytest.CaptureFixture[str]):
    runner.train(runner.compose(*SMALL, "steps=1", f"out={out}/verbose"), verbose=True)
    shown = capfd.readouterr()
    assert "objective  hfvae" in shown.err
    assert shown.out == ""

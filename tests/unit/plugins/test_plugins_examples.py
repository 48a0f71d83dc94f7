"""Every file of ``examples/`` that adds pieces does what it says: trained for a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from runner.comparison.configurations import compare_runs
from runner.comparison.runs import read_runs
from runner.config import RunConfig
from runner.config.composition import compose
from runner.dataset import load
from runner.figures.of_comparison import draw
from runner.method.vae import VaeKind, VaeMethod
from runner.metric import Codes, compute
from runner.plugins import KINDS, active, pieces
from runner.runs.load import LoadedRun
from runner.runs.own_figures import own_figures
from runner.store.run_folder import RunFolder
from tests.made_run_folders import config as settings_of
from tests.made_run_folders import write_run

EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = sorted([*EXAMPLES.glob("own_*.py"), *EXAMPLES.glob("my_pieces/*.py")])
CHOSEN = {
    "own_dataset": ["dataset=rings", "architecture=mlp"],
    "own_network": ["architecture=residual"],
    "own_prior": ["prior=logistic"],
    "own_likelihood": ["likelihood=student_pixels"],
    "own_penalty": ["objective.penalties.spread.weight=10"],
    "own_metric": [],
    "own_figure": [],
    "my_pieces": ["objective=orthogonal_vae", "prior=scaled_normal", "architecture=narrow"],
}
SMALL = ("batch_size=16", "training.record_every=1", "device=cpu")


def chosen(path: Path) -> RunConfig:
    data = [] if path.stem == "own_dataset" else ["dataset=digits"]
    return compose([f"plugins=[{path}]", *data, *CHOSEN[path.stem], *SMALL]).parse()


def trained(config: RunConfig) -> tuple[VaeMethod, list[dict[str, float]]]:
    device = torch.device("cpu")
    dataset = load(config.dataset, config.data_dir, device)
    method = VaeKind().new(config, dataset, device)
    method.check(config, dataset)
    records = [record for record in method.train(config, 3) if record is not None]
    return method, records


def test_there_is_one_of_each_kind():
    assert [path.stem for path in FILES] == ["my_pieces", *sorted(f"own_{kind}" for kind in KINDS)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_trains(path: Path):
    config = chosen(path)
    _, records = trained(config)
    assert len(records) == 3
    own = [name for name in pieces("penalty") if f"penalties/{name}" in records[-1]]
    assert own == list(pieces("penalty"))
    assert all(np.isfinite(list(record.values())).all() for record in records)
    assert [str(plugin.path) for plugin in active()] == [str(path)]


@pytest.mark.parametrize("stem", ["own_metric", "my_pieces"])
def test_an_example_scores(stem: str):
    config = chosen(next(path for path in FILES if path.stem == stem))
    source = np.random.default_rng(0)
    moving = np.column_stack([source.normal(size=200), np.zeros(200), source.normal(size=200)])
    codes = Codes.of(moving, source.integers(0, 3, 200))
    for name in pieces("metric"):
        settings = vars(getattr(config.metrics, name))
        found = compute(name, codes, factor=None, seed=0, settings=settings)
        expected = {"active_units": 2.0}.get(name, abs(np.corrcoef(moving[:, [0, 2]].T)[0, 1]))
        assert found[name] == pytest.approx(expected)


def test_an_example_draws_a_run(tmp_path: Path):
    config = chosen(EXAMPLES / "own_figure.py")
    method, _ = trained(config)
    method.finish()
    run = LoadedRun(method, method.dataset, config, RunFolder(tmp_path), 3, Console(quiet=True))
    (path,) = own_figures(run, run.folder.write_figure).values()
    assert path == tmp_path / "figures" / "mean_codes.png"
    assert path.stat().st_size > 1000


def test_an_example_draws_a_comparison(tmp_path: Path):
    chosen(EXAMPLES / "own_figure.py")
    write_run(tmp_path / "0", settings_of("vae"), -90.0)
    write_run(tmp_path / "1", settings_of("hfvae"), -95.0)
    comparison = compare_runs(read_runs([tmp_path]), None, ["elbo"])
    assert "elbos" in draw(comparison, Console(quiet=True), lambda _: [])

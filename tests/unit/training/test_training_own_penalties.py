"""Own penalties: in the loss with their weights, and named where they are no number."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.config.composition import compose
from runner.dataset import Dataset
from runner.errors import DivergedError, UsageError, VaerunError
from runner.model import build
from runner.objective import Objective
from runner.training import Record, TrainingState, check_compatibility, train

FILE = """
from dataclasses import dataclass
import torch
from runner.config import Value
from runner.plugins import add_penalty

@dataclass
class Mine:
    number: Value = 3.0
    kind: str = "plain"

def value(settings, inputs):
    return {}

add_penalty("mine", value, settings=Mine, needs={})
"""
ON = "objective.penalties.mine.weight=2"


def trained(
    tmp_path: Path, dataset: Dataset, value: str, *overrides: str, needs: object = ()
) -> list[Record]:
    path = tmp_path / "mine.py"
    path.write_text(FILE.format(value, needs))
    small = ("architecture=mlp", "architecture.widths=[4]", "prior.dimensions=2", "batch_size=8")
    given = [f"plugins=[{path}]", "objective=vae", *small, "training.record_every=1", *overrides]
    config = compose(given).parse()
    model = build(config, shape=dataset.shape, classes=dataset.classes)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    check_compatibility(config, model.latents, objective, dataset)
    state = TrainingState.fresh(model, config)
    return [r for r in train(state, objective, dataset, config, 3) if r is not None]


def test_it_is_recorded_without_and_charged_with_its_weight(tmp_path: Path, toy_dataset: Dataset):
    plain = trained(tmp_path, toy_dataset, "inputs.z_BW.sum() * 0 + settings.number")
    assert "penalties/mine" not in plain[0]  # off by default
    with_it = trained(tmp_path, toy_dataset, "inputs.z_BW.sum() * 0 + settings.number", ON)
    assert [r["penalties/mine"] for r in with_it] == [3.0, 3.0, 3.0]
    assert with_it[0]["loss"] == pytest.approx(plain[0]["loss"] + 6, rel=1e-5)


def test_weights_and_values_follow_schedules(tmp_path: Path, toy_dataset: Dataset):
    found = trained(
        tmp_path, toy_dataset, "inputs.z_BW.sum() * 0 + settings.number",
        "objective.penalties.mine.weight={linear: {from: 1, to: 3, over: 2}}",
        "objective.penalties.mine.number={linear: {from: -1, to: 1, over: 2}}",
    )  # fmt: skip
    assert [r["penalties/mine"] for r in found] == [-1, 0, 1]
    assert [r["scheduled/penalties.mine.weight"] for r in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("inputs.z_BW", "it must return a scalar tensor, and returns one of the shape (8, 2)"),
        ("3.0", "it must return a scalar tensor, not float"),
        ("inputs.nothing", "line 13: AttributeError: 'PenaltyInputs' object has no attribute"),
    ],
)
def test_what_is_no_scalar_is_named(tmp_path: Path, toy_dataset: Dataset, value: str, message: str):
    with pytest.raises(VaerunError) as caught:
        trained(tmp_path, toy_dataset, value, ON)
    assert "penalty 'mine'" in caught.value.message
    assert f"'{tmp_path / 'mine.py'}'" in caught.value.message
    assert message in caught.value.message
    assert caught.value.exit_code == 1


def test_the_penalty_that_is_no_number_is_named(tmp_path: Path, toy_dataset: Dataset):
    with pytest.raises(DivergedError, match=r"penalty 'mine'.*line 15: it is no longer a finite"):
        trained(tmp_path, toy_dataset, "inputs.z_BW.sum() * float('nan')", ON)
    with pytest.raises(DivergedError, match="the loss or a parameter is no longer a finite"):
        trained(
            tmp_path, toy_dataset, "inputs.z_BW.square().sum()", ON, "learning_rate=1e30"
        )  # which is not the penalty's doing


def test_it_is_given_what_it_needs(tmp_path: Path, toy_dataset: Dataset):
    drawn = trained(
        tmp_path, toy_dataset, "(inputs.prior_BW - inputs.z_BW).square().mean()", ON,
        needs=("prior_draws",),
    )  # fmt: skip
    assert drawn[0]["penalties/mine"] > 0
    labelled = trained(
        tmp_path, toy_dataset, "inputs.batch.labels_B.float().max() + 0 * inputs.z_BW.sum()", ON,
        needs=["labels"],
    )  # fmt: skip
    assert 0 < labelled[0]["penalties/mine"] <= 3
    with pytest.raises(UsageError, match="is a deterministic code"):
        trained(tmp_path, toy_dataset, "0", ON, "prior=code", needs=["density"])

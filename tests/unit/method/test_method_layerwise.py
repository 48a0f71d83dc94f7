"""Stacks that are fitted layer by layer: machines and autoencoders alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import runner
from runner import memory
from runner.config import RunConfig
from runner.dataset import POINTS, Dataset, ResidentSplit, load
from runner.errors import DataError, DivergedError, UsageError
from runner.figures.of_run import RunFigures
from runner.method import TrainedOn, method_of
from runner.method.layerwise import Layerwise
from runner.method.stack import Stack
from runner.runs.train import resume, start

CPU = torch.device("cpu")
SMALL = (
    "debug=default", "dataset=digits", "prior.dimensions=4", "device=cpu",
    "batch_size=32", "training.record_every=3",
    "evaluation.encodings=60", "evaluation.map_points=10", "evaluation.traversal_steps=2",
    "wandb.mode=disabled", "metrics=none", "steps=12",
)  # fmt: skip
EARLY = ("validation.every=2", "training.stop_early.patience=1")
MLP = ("architecture=mlp", "architecture.widths=[12,8]")
NAMES = ("rbm", "dbn", "stacked_ae")
New = Callable[..., Layerwise]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load(runner.compose("dataset=digits").dataset, "data", CPU)


@pytest.fixture
def new(composed: Callable[..., RunConfig], digits: Dataset) -> New:
    """``new("dbn", "steps=3")``: a stack before its first step."""

    def new(name: str, *words: str, dataset: Dataset = digits) -> Layerwise:
        networks = () if "architecture=conv" in words else MLP
        config = composed(f"objective={name}", *SMALL, *networks, *words)
        method = method_of(config).new(config, dataset, CPU)
        assert isinstance(method, Layerwise)
        method.check(config, dataset)
        return method

    return new


def fit(method: Layerwise, until: int | None = None) -> list[dict[str, float]]:
    """Train to the end, or until a step; return the records."""
    found: list[dict[str, float]] = []
    for record in method.train(method.config, method.turns.steps):
        found += [record] if record else []
        if method.step == until:
            break
    return found


def flat(tensors: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    return {f"{f}/{n}": tensor for f, file in tensors.items() for n, tensor in file.items()}


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def layer_of(name: str) -> int:
    """The layer of a parameter, ``machines.1.weight_HV`` or ``encoder.1.bias``."""
    return int(name.split(".")[1])


@pytest.mark.parametrize("name", ["dbn", "stacked_ae"])
def test_layers_are_fitted_one_after_the_other(name: str, new: New):
    method = new(name)
    before = method.tensors()["model"]
    for _ in method.train(method.config, 12):
        after = method.tensors()["model"]
        changed = {layer_of(n) for n in after if not torch.equal(before[n], after[n])}
        part = method.turns.of(method.step - 1)
        assert changed == ({part} if part < 3 else {0, 1, 2})
        before = after
    assert method.step == 12


@pytest.mark.parametrize("name", ["rbm", "dbn"])
def test_units_tell_images_apart_whose_pixels_are_mostly_off(name: str, new: New, digits: Dataset):
    """Units that begin by learning the mean of such images are on for every one, and stay so."""
    every = torch.arange(digits.train.size)
    wide = torch.nn.functional.pad(digits.train.images(every), (12, 12, 12, 12))
    split = ResidentSplit(wide, digits.train.factors(every))
    dataset = replace(digits, train=split, test=split, shape=(1, 32, 32))
    words = ("steps=1200", "learning_rate=0.2", "architecture.widths=[30]")
    method = new(name, *words, dataset=dataset)
    fit(method)
    assert isinstance(method.model, Stack)
    codes_NW = method.model.encode(wide[:200] / 255)
    assert codes_NW.std(0).min() > 0.1
    assert ((codes_NW.mean(0) > 0.05) & (codes_NW.mean(0) < 0.95)).all()


def test_nothing_follows_the_last_layer_without_fine_tuning(new: New):
    method = new("stacked_ae", "objective.layerwise.fine_tune=false")
    assert [method.turns.first(part) for part in range(method.parts)] == [0, 4, 8]
    first = {n: v for n, v in method.tensors()["model"].items() if layer_of(n) == 0}
    fit(method)
    after = method.tensors()["model"]
    fit(other := new("stacked_ae", "objective.layerwise.fine_tune=false"), until=4)
    assert all(not torch.equal(first[n], after[n]) for n in first)
    assert all(torch.equal(other.tensors()["model"][n], after[n]) for n in first)


@pytest.mark.parametrize("name", NAMES)
def test_records_have_the_layer_and_both_losses(name: str, new: New):
    records = fit(method := new(name))
    assert [record["step"] for record in records] == [1, 3, 6, 9, 12]
    layers = [min(method.turns.of(int(r["step"]) - 1) + 1, len(method.sizes) - 1) for r in records]
    assert [record["layer"] for record in records] == layers
    assert records[0]["loss"] == pytest.approx(records[0]["terms/reconstruction"], rel=1e-5)
    assert all(("pseudo_likelihood" in record) == (name != "stacked_ae") for record in records)


@pytest.mark.parametrize(
    "words",
    [
        ("rbm",),
        ("dbn", "learning_rate={linear: {from: 0.1, to: 0.01, over: 12}}"),
        ("stacked_ae", "objective.corruption.amount=0.2", "architecture.tied=true"),
    ],
)
def test_training_that_is_taken_up_again_never_stopped(words: tuple[str, ...], new: New):
    fit(whole := new(*words))
    for until in (2, 9, 10):  # within a turn; of stacked_ae at the end of one, and in the last
        fit(part := new(*words), until=until)
        kept = part.tensors()
        fit(part)
        fit(again := new(*words), until=1)  # with another state of its own
        again.restore(kept, until)
        fit(again)
        assert same(flat(again.tensors()), flat(whole.tensors()))
        assert same(flat(part.tensors()), flat(whole.tensors()))


@pytest.mark.parametrize("name", NAMES)
def test_a_stack_is_opened_again_without_its_images(name: str, new: New, digits: Dataset):
    fit(method := new(name))
    trained_on = TrainedOn.of(digits)
    opened = method_of(method.config).opened(method.config, trained_on, method.tensors(), CPU)
    ours, theirs = method.represents(), opened.represents(digits.kind.to_input)
    images_BCHW = digits.train.images(torch.arange(7))
    codes_BW = ours.encode(images_BCHW)
    assert codes_BW.shape == (7, 4)
    assert torch.equal(theirs.encode(images_BCHW), codes_BW)
    assert torch.equal(theirs.decode(codes_BW), ours.decode(codes_BW))


@pytest.mark.parametrize("name", NAMES)
def test_the_log_density_is_that_of_the_logits(name: str, new: New):
    """Not that of means which were cut to a grey level, where both are far from 0 and 1 alike."""
    method = new(name)
    images_BCHW = method.images_of(method.dataset.train, torch.arange(5))
    model = method.model.double()
    codes_BW = model.encode(images_BCHW.double())
    means_BCHW = model.decode(codes_BW)
    found_B = method.likelihood.log_prob(
        model.output(codes_BW, method.likelihood), images_BCHW.double()
    )
    pixels = torch.distributions.Bernoulli(means_BCHW, validate_args=False)
    expected_B = pixels.log_prob(images_BCHW.double()).flatten(1).sum(1)
    assert torch.allclose(found_B, expected_B, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("dbn", "architecture=conv"), "stacks the layers of architecture=mlp"),
        (("stacked_ae", "architecture=conv"), "stacks the layers of architecture=mlp"),
        (("stacked_ae", "architecture.conditional=true"), "architecture.conditional=true"),
        (("stacked_ae", "architecture.activation=softmax"), "architecture.activation must be"),
        (("stacked_ae", "prior=normal"), "a deterministic code, not prior=normal"),
        (("stacked_ae", "+prior.discrete.shape=3"), "no discrete variables"),
        (("stacked_ae", "likelihood=categorical"), "likelihood=categorical"),
        (("rbm", "likelihood=gaussian", "likelihood.learned=true"), "takes the scale"),
        (("rbm", "prior=code"), "probabilities of its units as the code, not prior=code"),
        (("dbn", "prior=normal"), "probabilities of its units as the code, not prior=normal"),
        (("rbm", "precision=bf16"), "precision=bf16 has no effect"),
        (("rbm", "batch_size=100000"), "more than the 1,500 training images"),
        (("stacked_ae", *EARLY), "before step 9, where the last part"),
        (("dbn", *EARLY, "training.stop_early.after=7"), "before step 8, where the last part"),
    ],
)
def test_what_does_not_fit_is_refused(words: tuple[str, ...], match: str, new: New):
    with pytest.raises(UsageError, match=match):
        fit(new(*words))


def test_a_stack_may_stop_early_in_the_turn_of_its_last_part(new: New):
    new("dbn", *EARLY, "training.stop_early.after=8")
    new("rbm", *EARLY)


def test_the_best_of_a_stack_is_a_model_whose_last_part_is_fitted(
    composed: Callable[..., RunConfig], tmp_path: Path
):
    asked = ("validation.every=2", "evaluation.checkpoint=best", "learning_rate=1.0")
    start(composed("objective=dbn", *SMALL, *MLP, *asked), run := tmp_path / "run")
    lines = (run / "metrics.jsonl").read_text().splitlines()
    losses = {
        record["step"]: record[name]
        for record in map(json.loads, lines)
        if (name := "validation/terms/reconstruction") in record
    }
    best = json.loads((run / "checkpoint_best/state.json").read_text())["state"]["step"]
    assert min(losses, key=losses.__getitem__) <= 8 < best
    assert best == min((step for step in losses if step > 8), key=losses.__getitem__)


def test_noise_of_codes_that_are_not_between_0_and_1_is_refused(new: New):
    noise = ("objective.corruption.kind=gaussian", "objective.corruption.amount=0.1")
    with pytest.raises(UsageError, match="between 0 and 1, and hidden layers have relu units"):
        new("stacked_ae", *noise)
    new("stacked_ae", *noise, "architecture.activation=sigmoid")
    new("stacked_ae", *noise, "architecture.widths=[]")  # noise on the image alone


@pytest.mark.parametrize("name", ["dbn", "stacked_ae"])
def test_layers_that_do_not_fit_the_machine_are_refused(
    name: str, new: New, monkeypatch: pytest.MonkeyPatch
):
    method = new(name)
    monkeypatch.setattr(memory, "total", lambda: 20_000)
    with pytest.raises(UsageError, match=f"objective={name} of .* needs at least"):
        method_of(method.config).new(method.config, method.dataset, CPU)


def test_points_are_refused(new: New, digits: Dataset):
    from dataclasses import replace

    points = replace(digits, kind=POINTS)
    with pytest.raises(UsageError, match="takes images"):
        new("rbm", "likelihood=gaussian", "likelihood.mean=linear", dataset=points)


def test_a_checkpoint_of_other_turns_is_refused(new: New):
    fit(method := new("dbn"), until=5)
    kept = method.tensors()
    other = new("dbn", "steps=24")
    with pytest.raises(UsageError, match="steps=24: the run has 12 steps"):
        other.restore(kept, 5)
    with pytest.raises(DataError, match="does not say how"):
        other.restore({"model": kept["model"]}, 5)
    with pytest.raises(UsageError, match="another model"):
        new("dbn").restore({**kept, "model": {}}, 5)
    assert other.step == 0


def test_a_learning_rate_that_is_too_large_ends_the_run(new: New):
    method = new("stacked_ae", "learning_rate=1e38")
    with pytest.raises(DivergedError, match="no longer a finite number"):
        fit(method)


@pytest.mark.parametrize("name", ["dbn", "stacked_ae"])
def test_a_whole_run(
    name: str, composed: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Trained, evaluated, and used through the API without its dataset."""
    monkeypatch.setattr(RunFigures, "animation", lambda _: None)
    run = tmp_path / "run"
    start(composed(f"objective={name}", *SMALL, *MLP, "validation.every=6"), run)
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    assert summary["elbo"] is None
    assert summary["terms"]["reconstruction"] > 0
    drawn = {path.stem for path in (run / "figures").iterdir()}
    assert {"reconstructions", "traversals"} <= drawn
    assert ("samples" in drawn) == (name == "dbn")
    with pytest.raises(UsageError, match="cannot be trained further"):
        resume(run, ["steps=24"])
    opened = runner.load_run(run)
    encoded = opened.encode(np.zeros((3, 8, 8), dtype=np.float32))
    assert encoded.codes.shape == (3, 4)
    assert opened.decode(encoded).shape == (3, 8, 8)
    if name == "dbn":
        assert opened.sample(2).shape == (2, 8, 8)

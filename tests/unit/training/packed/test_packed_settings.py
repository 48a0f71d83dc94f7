"""Every setting that a step reads is in the key of a pack, or is each run's own in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import IMAGES, Dataset, with_labels
from runner.errors import UsageError
from runner.grid.kinds import kind_of
from runner.model import VAE, build
from runner.objective import Objective
from runner.training import TrainingState, check_compatibility, train
from runner.training.packed import Member, pack_key, train_pack
from tests.other_values import others
from tests.paired_images import with_second_factor

CPU = torch.device("cpu")
PLAIN = (
    "dataset=digits", "architecture=mlp", "architecture.widths=[6]", "prior=concrete_normal",
    "prior.dimensions=2", "batch_size=16", "steps=3", "objective=hfvae", "beta=3", "gamma=2",
)  # fmt: skip
FULL = (
    *PLAIN, "architecture.conditional=true", "labels=32", "objective.encodings=40",
    "objective.concrete_density=argmax", "objective.corruption.amount=0.2",
    "+objective.group_information.first=-1", "+objective.group_rate.first=2",
    *(f"objective.penalties.{name}.weight=1" for name in ("capacity", "mmd", "contraction")),
    "objective.penalties.moments.off_diagonal=1", "training.weight_decay=0.1",
)  # fmt: skip
"""All that can be on beside each other."""

SQUARE = (*PLAIN, "likelihood=gaussian", "likelihood.learned=true", "prior=mixture")

BASES = {"plain": PLAIN, "full": FULL, "learned parts": SQUARE}


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def member(config: RunConfig, dataset: Dataset) -> Member:
    data = replace(dataset, kind=replace(IMAGES, to_input=lambda stored: stored.double() / 255))
    data = with_labels(data, config, CPU)
    images = lambda: data.probe_images(CPU)  # noqa: E731
    model = build(config, shape=data.shape, classes=data.classes, images=images).double()
    objective = Objective.from_config(config, model.latents.tree, data.train.size)
    check_compatibility(config, model.latents, objective, data)
    return Member(TrainingState.fresh(model, config), objective, data, config, config.steps)


def key_of(run: Member) -> Hashable:
    return pack_key(run.config, run.state.model, run.objective, run.dataset)


def alone(run: Member) -> Mapping[str, Tensor]:
    for _ in train(run.state, run.objective, run.dataset, run.config, run.steps):
        pass
    return run.state.model.state_dict()


Made = Callable[[str], dict[str, Member]]


@pytest.fixture(scope="module")
def made(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> Made:
    """``made(name)`` is a run of a base, by "", and one for each setting with another value."""
    dataset = with_second_factor(toy_dataset)

    @cache
    def configs(name: str) -> dict[str, RunConfig]:
        base = composed(*BASES[name])
        found = {"": base}
        for word in others(base):
            with suppress(UsageError):  # of a value that does not go with these choices
                config = composed(*BASES[name], word)
                member(config, dataset)
                found[word] = config
        return found

    return lambda name: {word: member(each, dataset) for word, each in configs(name).items()}


def same(model: VAE, expected: Mapping[str, Tensor]) -> bool:
    found = model.state_dict()
    return all(torch.allclose(found[n], v, rtol=1e-8, atol=1e-8) for n, v in expected.items())


@pytest.mark.parametrize("name", BASES)
def test_a_setting_is_in_the_key_or_is_a_run_s_own(made: Made, name: str):
    runs, singles = made(name), made(name)
    key = key_of(runs[""])
    assert key is not None
    packed = {word: run for word, run in runs.items() if key_of(run) == key}
    for _ in train_pack([*packed.values()]):
        pass
    expected = {word: alone(singles[word]) for word in packed}
    as_another = [w for w, run in packed.items() if not same(run.state.model, expected[w])]
    assert as_another == []
    acting = {word for word, run in packed.items() if not same(run.state.model, expected[""])}
    assert {"seed=3", "gamma=4"} <= acting


@pytest.mark.parametrize("name", BASES)
def test_what_is_in_the_key_is_in_the_kind_of_a_grid_s_runs(made: Made, name: str):
    """Else ``--dry-run`` promises packs that no worker makes."""
    base, runs = BASES[name], made(name)
    key, kind = key_of(runs[""]), kind_of(base)
    assert kind is not None
    differing = [word for word, run in runs.items() if key_of(run) != key]
    assert [word for word in differing if kind_of((*base, word)) == kind] == []
    if name == "plain":  # the others have no pairs
        assert {"objective.concrete_draws=hard", "objective.pairs.posterior=gvae"} <= {*differing}

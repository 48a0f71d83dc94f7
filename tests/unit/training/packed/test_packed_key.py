"""Which runs train together: those whose steps are one computation, whatever their numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

import pytest

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.model import build
from runner.objective import Objective
from runner.training.packed import pack_key

SMALL = ("architecture=mlp", "architecture.widths=[6]", "prior.dimensions=4")


@pytest.fixture
def key(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> Callable[..., Hashable]:
    def of(*words: str, dataset: Dataset = toy_dataset) -> Hashable:
        config = composed(*SMALL, *words)
        model = build(config, shape=dataset.shape, classes=dataset.classes)
        objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
        return pack_key(config, model, objective, dataset)

    return of


@pytest.mark.parametrize(
    "words",
    [
        ("objective=beta_vae", "beta=7"),
        ("objective=dip_vae_i", "seed=4", "learning_rate=0.01", "steps=9"),
        ("objective=info_vae", "objective.penalties.mmd.kernel=imq"),
        ("objective.encodings=256", "training.clip_gradient=3", "training.record_every=7"),
        (
            "objective.corruption.amount=0.1",
            "name=other",
            "out=elsewhere",
            "evaluation.encodings=9",
        ),
        ("objective.penalties.contraction.weight=1",),
    ],
)
def test_numbers_and_objectives_are_each_run_s_own(key: Callable[..., Hashable], words: tuple[str]):
    assert key(*words) == key()
    assert hash(key(*words)) == hash(key())


@pytest.mark.parametrize(
    "words",
    [
        ("batch_size=64",),
        ("precision=bf16",),
        ("prior.dimensions=6",),
        ("prior=laplace",),
        ("prior.group_size=1",),
        ("prior=concrete_normal",),
        ("architecture.widths=[7]",),
        ("architecture.activation=tanh",),
        ("likelihood=continuous_bernoulli",),
        ("validation.every=5",),
        ("objective.pairs.posterior=gvae",),
        ("prior.dimensions=4", "objective.concrete_draws=hard"),
        ("dataset=digits",),
    ],
)
def test_another_computation_is_another_key(key: Callable[..., Hashable], words: tuple[str]):
    assert key(*words) not in (None, key())


def test_a_temperature_is_a_run_s_own_only_where_it_is_scheduled(key: Callable[..., Hashable]):
    def of(temperature: str) -> Hashable:
        return key("prior=concrete_normal", f"prior.temperature={temperature}")

    half, third = (f"{{linear: {{from: 1, to: {to}, over: 20}}}}" for to in ("0.5", "0.3"))
    assert of(half) == of(third)
    assert len({of(half), of("0.5"), of("0.3")}) == 3


def test_other_images_are_another_key(key: Callable[..., Hashable], toy_dataset: Dataset):
    assert key(dataset=replace(toy_dataset, digest="another")) != key()


@pytest.mark.parametrize(
    "words", [("objective=factor_vae",), ("training.compile=true",)], ids=lambda words: words[0]
)
def test_what_trains_alone_has_no_key(key: Callable[..., Hashable], words: tuple[str]):
    assert key(*words) is None


def test_a_user_s_own_piece_trains_alone(
    key: Callable[..., Hashable], monkeypatch: pytest.MonkeyPatch
):
    owned = ("prior", "normal")
    monkeypatch.setattr(
        "runner.training.packed.key.piece", lambda *asked: object() if asked == owned else None
    )
    assert key() is None
    assert key("prior=laplace") is not None

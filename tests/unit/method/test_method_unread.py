"""What a method does not read is refused in a line that names it; what acts is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, load
from runner.errors import UsageError
from runner.method import method_of
from runner.runs.train import start
from tests.families import OTHERS

CPU = torch.device("cpu")
SMALL = (
    "debug=default", "dataset=digits", "architecture=mlp", "architecture.widths=[6]",
    "prior.dimensions=4", "device=cpu", "steps=8",
)  # fmt: skip

UNREAD = {
    "precision=bf16": "precision=float32",
    "training.weight_decay=0.5": "training.weight_decay=0",
    "objective.weights.reconstruction=2": "objective.weights.reconstruction=1",
    "objective.weights.dimension_wise_kl=4": "objective.weights.dimension_wise_kl=0",
    "objective.levels=[2]": "objective.levels=[]",
    "++objective.group_information.first=-1": "objective.group_information.first=0",
    "++objective.group_rate.first=2": "objective.group_rate.first=0",
    "objective.penalties.mmd.weight=1": "objective.penalties.mmd.weight=0",
    "objective.penalties.contraction.weight=5": "objective.penalties.contraction.weight=0",
    "objective.penalties.moments.diagonal=1": "objective.penalties.moments.diagonal=0",
    "objective.pairs.posterior=gvae": "objective.pairs.posterior=none",
    "objective.concrete_density=relaxed": "objective.concrete_density=exact",
    "objective.concrete_draws=hard": "objective.concrete_draws=relaxed",
    "objective.encodings=256": "objective.encodings=null",
    "objective.encoding_weights=equal": "objective.encoding_weights=stratified",
}
"""Setting that no method beside the family reads → what it must be."""

READ_BY_SOME = {
    "objective.corruption.amount=0.5": ("stacked_ae",),
    "training.clip_gradient=1": ("stacked_ae", "gan", "info_gan"),
    "prior.group_size=2": ("gan", "info_gan"),
    "prior.groups={a: [z_0], b: [z_1, z_2, z_3]}": ("gan", "info_gan"),
}
"""Setting → the objectives beside the family on which it acts."""


@pytest.fixture(scope="module")
def digits(composed: Callable[..., RunConfig]) -> Dataset:
    return load(composed("dataset=digits").dataset, "data", CPU)


@pytest.fixture
def check(composed: Callable[..., RunConfig], digits: Dataset) -> Callable[..., None]:
    def check(name: str, *words: str) -> None:
        config = composed(f"objective={name}", *SMALL, *words)
        method_of(config).new(config, digits, CPU).check(config, digits)

    return check


def refused(check: Callable[..., None], name: str, word: str) -> UsageError:
    with pytest.raises(UsageError) as refusal:
        check(name, word)
    key, message = word.lstrip("+").partition("=")[0], refusal.value.message
    assert message.startswith(f"{key}=")
    assert message.endswith(f" has no effect with objective={name}")
    return refusal.value


@pytest.mark.parametrize("name", OTHERS)
def test_what_no_method_beside_the_family_reads_is_refused(check: Callable[..., None], name: str):
    check(name)
    for word, remedy in UNREAD.items():
        assert refused(check, name, word).hint == remedy


@pytest.mark.parametrize("name", OTHERS)
def test_what_some_methods_read_is_refused_for_the_others(check: Callable[..., None], name: str):
    for word, readers in READ_BY_SOME.items():
        if name in readers:
            check(name, word)
        else:
            refused(check, name, word)


@pytest.mark.parametrize("name", ["pca", "ica", "sparse_coding", "rbm"])
@pytest.mark.parametrize("setting", ["tied", "conditional"])
def test_a_method_without_networks_has_no_settings_of_theirs(
    check: Callable[..., None], name: str, setting: str
):
    refused(check, name, f"architecture.{setting}=true")


def test_layers_may_be_tied(check: Callable[..., None]):
    check("stacked_ae", "architecture.tied=true")
    refused(check, "dbn", "architecture.tied=true")


def test_weights_that_are_scheduled_are_quoted(check: Callable[..., None]):
    plan = "{linear: {from: 0, to: 1, over: 9}}"
    with pytest.raises(UsageError, match=r"mmd\.weight=\{linear: .*has no effect"):
        check("pca", f"objective.penalties.mmd.weight={plan}")


def test_a_refused_run_leaves_no_folder(composed: Callable[..., RunConfig], tmp_path: Path):
    config = composed("objective=stacked_ae", *SMALL, "training.weight_decay=0.5")
    with pytest.raises(UsageError, match="has no effect with objective=stacked_ae") as refusal:
        start(config, tmp_path / "run")
    assert refusal.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []

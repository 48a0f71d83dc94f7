"""The house keeps its own rules: sizes, names, citations, and that every choice composes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
import torch
import yaml

from runner.commands.list import choices, read_choice
from runner.config import GROUPS, RunConfig, launcher
from runner.config.rules import validate
from runner.dataset import Dataset, ResidentSplit
from runner.errors import UsageError
from runner.grid.sweep_file import read
from runner.model import build
from runner.objective import Objective
from runner.training import Record, TrainingState, check_compatibility, train

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
RUNNER = sorted((ROOT / "runner").rglob("*.py"))
YAML = sorted(path for path in CONF.rglob("*.yaml") if "hydra" not in path.parts)
OPTIONS = [f"{group}={path.stem}" for group in GROUPS for path in (CONF / group).glob("*.yaml")]
NOT_ROOMS = {"utils", "base", "common", "helpers", "misc", "core"}


@pytest.mark.parametrize("path", RUNNER, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_rooms_with_one_job(path: Path):
    assert len(path.read_text().splitlines()) <= 300
    assert path.stem not in NOT_ROOMS


@pytest.mark.parametrize("path", RUNNER, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_says_what_it_is_for(path: Path):
    assert path.read_text().startswith('"""')


@pytest.mark.parametrize("option", OPTIONS)
def test_every_choice_composes_and_is_valid(composed: Callable[..., RunConfig], option: str):
    group, _, name = option.partition("=")
    config = composed(option)
    if group in RunConfig.__dataclass_fields__:
        assert getattr(config, group).name == name


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_sweep_expands_to_settings_that_are_valid(
    composed: Callable[..., RunConfig], path: Path
):
    sweep = read(path)
    assert len(list(sweep.runs())) > 1
    for block in sweep.blocks:
        for words in block.each_value():
            composed(*words)


@pytest.mark.parametrize("path", sorted((CONF / "launcher").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_launcher_is_valid(path: Path):
    assert launcher(path.stem, []).name == path.stem


@pytest.mark.parametrize("path", YAML, ids=lambda p: str(p.relative_to(CONF)))
def test_every_key_has_its_help_in_one_line(path: Path):
    """A key without a comment of its own stands below one that has it."""
    explained = {key.partition("=")[0] for key, _ in read_choice(path).keys}
    document = yaml.safe_load(path.read_text())

    def unexplained(node: dict[str, object], prefix: str = "") -> list[str]:
        missing = []
        for key, value in node.items():
            name = prefix + key
            if name in explained or name in {"defaults", "hydra"} or key == "name":
                continue
            if isinstance(value, dict):
                missing += unexplained(value, f"{name}.")
            elif not _restates(path, name):
                missing.append(name)
        return missing

    assert unexplained(document) == []


def _restates(path: Path, name: str) -> bool:
    """Whether an experiment or objective only sets a knob that conf/config.yaml explains."""
    known = {key.partition("=")[0] for key, _ in read_choice(CONF / "config.yaml").keys}
    return path.parent.name in {"experiment", "objective"} and (
        name in known or name in {"alpha", "beta", "gamma"}
    )


@pytest.mark.parametrize("path", YAML, ids=lambda p: str(p.relative_to(CONF)))
def test_every_yaml_opens_with_what_it_is(path: Path):
    assert len(read_choice(path).help) > 20


@pytest.mark.parametrize("choice", choices("objective"), ids=lambda c: c.name)
def test_every_objective_cites_its_source(choice):
    assert re.search(r"\(.+ (19|20)\d\d", choice.help)


def names(group: str) -> list[str]:
    return [choice.name for choice in choices(group)]


AUTOENCODERS = {"ae", "denoising_ae", "contractive_ae", "sparse_ae"}
CODES = {"code", "sigmoid_code"}
REFUSED = {
    ("sparse_ae", "code"): "needs a code between 0 and 1",
    ("decomposition_kl", "concrete_normal"): "compares continuous variables",
}
"""Further pairs of objective and prior that do not fit, and what is said of them."""

SIZES = {"mlp": 8, "conv28": 28, "conv32": 32, "conv64": 64}
SMALL = {"widths": [8], "features": 8, "pseudo_inputs": 4}


def refusal(objective: str, prior: str, architecture: str = "mlp") -> str | None:
    """What is wrong with a combination, or None if they fit."""
    if (objective, architecture) == ("contractive_ae", "conv32"):
        return "normalises over the minibatch"
    if objective in AUTOENCODERS and prior not in CODES:
        return "leaves q(z|x) free"
    if objective not in AUTOENCODERS and prior in CODES:
        return "weighs distributions"
    return REFUSED.get((objective, prior))


@pytest.fixture(scope="module")
def choose(composed: Callable[..., RunConfig]) -> Callable[..., RunConfig]:
    """Settings of some choices, with small networks; each choice is composed once."""

    @cache
    def one(group: str, name: str) -> RunConfig:
        return composed(f"{group}={name}", "debug=default", "batch_size=4")

    def small(settings: T) -> T:
        return replace(settings, **{k: v for k, v in SMALL.items() if hasattr(settings, k)})

    def choose(objective: str, **others: str) -> RunConfig:
        parts = {group: getattr(one(group, name), group) for group, name in others.items()}
        config = replace(one("objective", objective), **{k: small(v) for k, v in parts.items()})
        config.objective.penalties.discriminator.widths = [8]
        return config

    return choose


def two_steps(config: RunConfig, dataset: Dataset) -> list[Record]:
    """Build and train as a run does."""
    validate(config)
    model = build(
        config,
        shape=dataset.shape,
        classes=dataset.classes,
        images=lambda: dataset.probe_images(torch.device("cpu")),
    )
    objective = Objective.from_config(config, model.prior.tree, dataset.train.size)
    check_compatibility(config, model.prior, objective, dataset)
    state = TrainingState.fresh(model, config)
    return [r for r in train(state, objective, dataset, config, config.steps) if r]


@pytest.mark.parametrize("prior", names("prior"))
@pytest.mark.parametrize("architecture", names("architecture"))
@pytest.mark.parametrize("objective", names("objective"))
def test_every_combination_trains_two_steps(
    choose: Callable[..., RunConfig],
    enlarged: Callable[[int], Dataset],
    objective: str,
    architecture: str,
    prior: str,
):
    config = choose(objective, architecture=architecture, prior=prior)
    dataset, wrong = enlarged(SIZES[architecture]), refusal(objective, prior, architecture)
    if wrong is None:
        records = two_steps(config, dataset)
        assert [record["step"] for record in records] == [1, 2]
        assert all(math.isfinite(value) for record in records for value in record.values())
        return
    with pytest.raises(UsageError, match=re.escape(wrong)) as refused:
        two_steps(config, dataset)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("likelihood", names("likelihood"))
@pytest.mark.parametrize("architecture", names("architecture"))
@pytest.mark.parametrize("objective", ["hfvae", "ae"])
def test_every_likelihood_trains_two_steps(
    choose: Callable[..., RunConfig],
    enlarged: Callable[[int], Dataset],
    objective: str,
    architecture: str,
    likelihood: str,
):
    prior = "code" if objective == "ae" else "normal"
    config = choose(objective, architecture=architecture, likelihood=likelihood, prior=prior)
    assert len(two_steps(config, enlarged(SIZES[architecture]))) == 2


@pytest.mark.parametrize("likelihood", names("likelihood"))
def test_tied_weights_train_where_the_decoder_mirrors_the_encoder(
    choose: Callable[..., RunConfig], enlarged: Callable[[int], Dataset], likelihood: str
):
    config = choose("hfvae", architecture="mlp", likelihood=likelihood, prior="normal")
    config = replace(config, architecture=replace(config.architecture, tied=True))
    if likelihood == "categorical":
        with pytest.raises(UsageError, match="needs a likelihood with one output per pixel"):
            two_steps(config, enlarged(8))
    else:
        assert len(two_steps(config, enlarged(8))) == 2


@pytest.mark.parametrize("objective", names("objective"))
def test_a_prior_that_is_named_wins_over_the_objective_s_own(
    composed: Callable[..., RunConfig], objective: str
):
    assert composed(f"objective={objective}", "prior=student_t").prior.name == "student_t"
    own = composed(f"objective={objective}")
    assert refusal(objective, own.prior.name) is None  # an objective alone is a whole run


@pytest.fixture(scope="module")
def enlarged(toy_dataset: Dataset) -> Callable[[int], Dataset]:
    """The toy images in another size."""

    @cache
    def enlarge(size: int) -> Dataset:
        every = torch.arange(toy_dataset.train.size)
        images = toy_dataset.train.images(every).float()
        larger = torch.nn.functional.interpolate(images, size=size).to(torch.uint8)
        split = ResidentSplit(larger, toy_dataset.train.factors(every))
        return replace(toy_dataset, train=split, test=split, shape=(1, size, size))

    return enlarge

"""The house keeps its own rules: sizes, names, citations, and that every choice composes."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch
import yaml

from runner.config import GROUPS, RunConfig
from runner.dataset import Dataset, load
from runner.listing import choices, read_choice
from runner.model import build
from runner.objective import Objective
from runner.sweep import to_multirun
from runner.training import TrainingState, train

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
    parameters = to_multirun(path)["hydra"]["sweeper"]["params"]
    values = [[f"{key}={value}" for value in str(v).split(",")] for key, v in parameters.items()]
    jobs = list(product(*values))
    assert len(jobs) > 1
    for job in jobs:
        composed(*job)


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


@pytest.fixture(scope="module")
def sprites() -> Dataset:
    return load_named("sprites")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_named("digits")


def load_named(name: str) -> Dataset:
    from runner.config import DatasetConfig

    return load(DatasetConfig(name), "", torch.device("cpu"))


def names(group: str) -> list[str]:
    return [choice.name for choice in choices(group)]


FITTING = {"mlp": "digits", "conv64": "sprites", "conv28": None}


@pytest.mark.parametrize("likelihood", names("likelihood"))
@pytest.mark.parametrize("prior", names("prior"))
@pytest.mark.parametrize("architecture", names("architecture"))
@pytest.mark.parametrize("objective", names("objective"))
def test_every_combination_trains_two_steps(
    composed: Callable[..., RunConfig],
    request: pytest.FixtureRequest,
    objective: str,
    architecture: str,
    prior: str,
    likelihood: str,
):
    config = composed(
        f"objective={objective}",
        f"architecture={architecture}",
        f"prior={prior}",
        f"likelihood={likelihood}",
        "debug=default",
        "batch_size=4",
    )
    dataset: Dataset = request.getfixturevalue(FITTING[architecture] or "images28")
    model = build(config, shape=dataset.shape, classes=dataset.classes)
    weights = Objective.from_config(config.objective, model.prior.group_names, dataset.train.size)
    state = TrainingState.fresh(model, config.learning_rate)
    got = [r for r in train(state, weights, dataset.train, config, config.steps) if r]
    assert [record["step"] for record in got] == [1, 2]


@pytest.fixture(scope="module")
def images28(toy_dataset: Dataset) -> Dataset:
    """The toy images, enlarged to 28x28."""
    from dataclasses import replace

    from runner.dataset import ResidentSplit

    every = torch.arange(toy_dataset.train.size)
    images = toy_dataset.train.images(every).float()
    larger = torch.nn.functional.interpolate(images, size=28).to(torch.uint8)
    split = ResidentSplit(larger, toy_dataset.train.factors(every))
    return replace(toy_dataset, train=split, test=split, shape=(1, 28, 28))

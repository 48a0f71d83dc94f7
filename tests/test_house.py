"""The house keeps its own rules: sizes, names, citations, and that every choice composes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import TypeVar

import pytest
import torch
import yaml

from runner.commands.list import choices, read_choice
from runner.config import GROUPS, RunConfig, launcher, search
from runner.config.composition import compose_run
from runner.config.rules import validate
from runner.dataset import DATASETS, Dataset, ResidentSplit
from runner.errors import UsageError
from runner.grid.search import check_metric
from runner.grid.space.reading import read_search
from runner.grid.sweep_file import Block, read
from runner.grid.sweep_yaml import load
from runner.model import build
from runner.objective import Objective
from runner.training import Record, TrainingState, check_compatibility, train
from tests.families import SUMS
from tests.network_sizes import SIZES
from tests.paired_images import with_second_factor
from tests.pairwise import Case, Pair, covering_array, every_pair, pairs_of

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
RUNNER = sorted((ROOT / "runner").rglob("*.py"))
YAML = sorted(path for path in CONF.rglob("*.yaml") if "hydra" not in path.parts)
OPTIONS = [f"{group}={path.stem}" for group in GROUPS for path in (CONF / group).glob("*.yaml")]
NOT_ROOMS = {"utils", "base", "common", "helpers", "misc", "core"}
AT_THE_TOP = {"__init__.py", "cli.py", "errors.py", "files.py", "memory.py", "progress.py"}


@pytest.mark.parametrize("path", RUNNER, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_rooms_with_one_job(path: Path):
    assert len(path.read_text().splitlines()) <= 300
    assert path.stem not in NOT_ROOMS


@pytest.mark.parametrize("path", RUNNER, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_says_what_it_is_for(path: Path):
    assert path.read_text().startswith('"""')


def test_what_has_no_room_is_the_door_and_what_every_room_may_use():
    assert {path.name for path in (ROOT / "runner").glob("*.py")} == AT_THE_TOP


def test_the_unit_tests_mirror_the_rooms():
    """A test of a file stands in a folder named like its room, and its own name begins with it."""
    unit = ROOT / "tests" / "unit"
    for path in unit.rglob("test_*.py"):
        room = path.parent.relative_to(unit)
        assert (ROOT / "runner" / room / "__init__.py").is_file(), path
        assert path.stem.startswith(f"test_{room.name}"), path


@pytest.mark.parametrize("option", OPTIONS)
def test_every_choice_composes_and_is_valid(composed: Callable[..., RunConfig], option: str):
    group, _, name = option.partition("=")
    is_own = group == "dataset" and DATASETS[name].is_own
    config = composed(option, *(["dataset.path=mine"] if is_own else []))
    if group in RunConfig.__dataclass_fields__:
        assert getattr(config, group).name == name


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_sweep_expands_to_settings_that_are_valid(
    composed: Callable[..., RunConfig], path: Path
):
    document = load(path)
    if document.get("method", "grid") != "grid":
        found = read_search(path, document, {}, search(document["method"], []))
        block = Block({each.name: each.probes() for each in found.parameters})
        check_metric(found, [composed(*words) for words in block.each_value()])
        return
    sweep = read(path)
    assert len(list(sweep.runs())) > 1
    for block in sweep.blocks:
        for words in block.each_value():
            compose_run([*words])


@pytest.mark.parametrize("path", sorted((CONF / "search").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_way_to_search_is_valid(path: Path):
    assert search(path.stem, []).name == path.stem


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
    """Whether a file only sets a hyperparameter that conf/config.yaml explains."""
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


AUTOENCODERS = {"ae", "denoising_ae", "contractive_ae", "sparse_ae", "qlae"}
CODES = {"code", "sigmoid_code", "quantised_code"}
LEAVES_FREE = "leaves q(z|x) free"
WEIGHS = "weighs distributions"

CHOICES = {
    "objective": list(SUMS),
    **{group: names(group) for group in ("architecture", "prior", "likelihood")},
}
CHOICES["likelihood"].remove("multinomial")  # of counts; the others are of images


def pair(**two: str) -> Pair:
    return frozenset(two.items())


REFUSED: dict[Pair, str] = {
    **{
        pair(objective=objective, prior=prior): LEAVES_FREE if free else WEIGHS
        for objective, prior in product(CHOICES["objective"], CHOICES["prior"])
        if (free := objective in AUTOENCODERS) != (prior in CODES)
    },
    pair(objective="sparse_ae", prior="code"): "needs a code between 0 and 1",
    pair(objective="sparse_ae", prior="quantised_code"): "needs a code between 0 and 1",
    **{
        pair(objective="qlae", prior=prior): "is of a quantised code"
        for prior in CHOICES["prior"]
        if prior != "quantised_code"
    },
    pair(objective="decomposition_kl", prior="concrete_normal"): "compares continuous variables",
    **{
        pair(objective="contractive_ae", architecture=name): "normalises over the minibatch"
        for name in ("conv32", "prodlda")
    },
}
"""Every pair of choices that does not fit, and what is said of it."""

FITTING = covering_array(CHOICES, REFUSED)
"""Cases that fit, in which each of the other pairs occurs."""


def case_of(refused: Pair) -> Case:
    """A case in which one pair does not fit, and no other: none can hide behind another."""
    fixed = dict(refused)
    free = [[fixed[group]] if group in fixed else CHOICES[group] for group in CHOICES]
    cases = (dict(zip(CHOICES, names, strict=True)) for names in product(*free))
    return next(case for case in cases if REFUSED.keys() & set(pairs_of(case)) == {refused})


SMALL = {"widths": [8], "features": 8, "channels": 4, "pseudo_inputs": 4}


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
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    check_compatibility(config, model.latents, objective, dataset)
    state = TrainingState.fresh(model, config)
    return [r for r in train(state, objective, dataset, config, config.steps) if r]


def test_every_pair_of_choices_is_tested():
    trained = {each for case in FITTING for each in pairs_of(case)}
    assert trained.isdisjoint(REFUSED)
    assert trained | REFUSED.keys() == set(every_pair(CHOICES))
    assert len(FITTING) < 250


def label(case: Case) -> str:
    return "-".join(case.values())


@pytest.mark.parametrize("case", FITTING, ids=label)
def test_pairs_that_fit_train_two_steps(
    choose: Callable[..., RunConfig], enlarged: Callable[[int], Dataset], case: Case
):
    trains_two_steps(choose(**case), enlarged(SIZES[case["architecture"]]))


@pytest.mark.parametrize("refused", REFUSED, ids=lambda pair: label(dict(sorted(pair))))
def test_a_pair_that_does_not_fit_is_refused_in_one_line(
    choose: Callable[..., RunConfig], enlarged: Callable[[int], Dataset], refused: Pair
):
    case = case_of(refused)
    dataset = enlarged(SIZES[case["architecture"]])
    is_refused(choose(**case), dataset, REFUSED[refused])


@pytest.mark.slow
@pytest.mark.parametrize("prior", CHOICES["prior"])
@pytest.mark.parametrize("architecture", CHOICES["architecture"])
@pytest.mark.parametrize("objective", CHOICES["objective"])
def test_every_combination_trains_two_steps_or_is_refused(
    choose: Callable[..., RunConfig],
    enlarged: Callable[[int], Dataset],
    objective: str,
    architecture: str,
    prior: str,
):
    case = {"objective": objective, "architecture": architecture, "prior": prior}
    config, dataset = choose(**case), enlarged(SIZES[architecture])
    if wrong := [REFUSED[each] for each in pairs_of(case) if each in REFUSED]:
        is_refused(config, dataset, *wrong)
    else:
        trains_two_steps(config, dataset)


def trains_two_steps(config: RunConfig, dataset: Dataset) -> None:
    records = two_steps(config, dataset)
    assert [record["step"] for record in records] == [1, 2]
    assert all(math.isfinite(value) for record in records for value in record.values())


def is_refused(config: RunConfig, dataset: Dataset, *reasons: str) -> None:
    """Refused in one line that gives one of the reasons."""
    with pytest.raises(UsageError, match="|".join(map(re.escape, reasons))) as refused:
        two_steps(config, dataset)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("likelihood", CHOICES["likelihood"])
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


@pytest.mark.parametrize("objective", SUMS)
def test_a_prior_that_is_named_wins_over_the_objective_s_own(
    composed: Callable[..., RunConfig], objective: str
):
    assert composed(f"objective={objective}", "prior=student_t").prior.name == "student_t"
    own = composed(f"objective={objective}").prior.name  # an objective alone is a whole run
    assert pair(objective=objective, prior=own) not in REFUSED


@pytest.fixture(scope="module")
def enlarged(toy_dataset: Dataset) -> Callable[[int], Dataset]:
    """The toy images in another size."""

    @cache
    def enlarge(size: int) -> Dataset:
        every = torch.arange(toy_dataset.train.size)
        images = toy_dataset.train.images(every).float()
        larger = torch.nn.functional.interpolate(images, size=size).to(torch.uint8)
        split = ResidentSplit(larger, toy_dataset.train.factors(every))
        single = replace(toy_dataset, train=split, test=split, shape=(1, size, size))
        return with_second_factor(single)  # which pairs of images need

    return enlarge

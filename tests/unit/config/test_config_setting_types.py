"""Types by dotted names, and sections that are null until they are filled."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Any, get_args, get_origin

import pytest

from runner import config
from runner.config import RunConfig
from runner.config.composition import compose_run
from runner.config.setting_types import (
    all_settings,
    is_text,
    require_all,
    switched_on_by,
    type_of,
)
from runner.config.value_types import settings_of, without_null
from runner.errors import UsageError

OPTIONAL = [
    key
    for key in all_settings()
    if without_null(type_of(key))[1] and is_dataclass(without_null(type_of(key))[0])
]
"""Every section that may be null."""

CORRELATED = {"factors": ["x", "y"], "width": 0.5}


def filling(section: str) -> dict[str, Any]:
    """Return a value for each setting of a section."""
    if section == "dataset.correlated":
        return CORRELATED
    kinds = settings_of(without_null(type_of(section))[0])  # pyright: ignore
    return {name: _value(name, without_null(kind)[0]) for name, kind in kinds.items()}


def _value(name: str, kind: object) -> object:
    if get_origin(kind) is list:
        return [2, 3]
    if kind is str:
        return "fourier" if name == "probe" else "texts"
    return {float: 0.5, bool: True}.get(kind, 4)  # pyright: ignore


def as_mapping(section: str) -> list[str]:
    pairs = (f"{k}: {_text(v)}" for k, v in filling(section).items())
    return [f"{section}={{{', '.join(pairs)}}}"]


def one_by_one(section: str) -> list[str]:
    return [f"{section}.{key}={_text(value)}" for key, value in filling(section).items()]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)


def at(settings: RunConfig, key: str) -> Any:
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found


def test_every_metric_may_be_null():
    metrics = {key.partition(".")[2] for key in OPTIONAL if key.startswith("metrics.")}
    assert len(metrics) > 20
    assert {key for key in OPTIONAL if not key.startswith("metrics.")} == {"dataset.correlated"}


@pytest.mark.parametrize("form", [as_mapping, one_by_one])
def test_every_section_that_is_null_is_filled_for_a_run(form):
    off = ["metrics=none", "dataset.correlated=null"]
    given = compose_run([*off, *(word for section in OPTIONAL for word in form(section))])
    for section in OPTIONAL:
        assert asdict(at(given, section)) == filling(section), section


@pytest.mark.parametrize("section", ["metrics.log_likelihood", "metrics.dci", "dataset.correlated"])
@pytest.mark.parametrize("form", [as_mapping, one_by_one])
def test_one_section_alone_is_filled(section: str, form):
    given = compose_run(["metrics=none", "dataset.correlated=null", *form(section)])
    assert asdict(at(given, section)) == filling(section)


@pytest.mark.parametrize("section", [key for key in OPTIONAL if key.startswith("metrics.")])
@pytest.mark.parametrize("form", [as_mapping, one_by_one])
def test_evaluate_fills_it_alike(section: str, form):
    found = getattr(config.metrics("none", form(section)), section.partition(".")[2])
    assert asdict(found) == filling(section)


def test_a_section_that_is_there_keeps_its_other_settings():
    assert asdict(compose_run(["metrics.mig={bins: 7}"]).metrics.mig or {}) == {
        "samples": 10000, "bins": 7,
    }  # fmt: skip
    assert compose_run(["metrics.mig.bins=7", "metrics.mig=null"]).metrics.mig is None


@pytest.mark.parametrize(
    "words", [["metrics.dci.train=3"], ["metrics.dci={train: 3}"], ["metrics={dci: {train: 3}}"]]
)
def test_a_section_that_is_half_filled_says_what_it_lacks(words: list[str]):
    with pytest.raises(UsageError, match=r"^metrics.dci.test has no value$") as of_run:
        compose_run(["metrics=none", *words])
    with pytest.raises(UsageError, match=r"^metrics.dci.test has no value$") as of_evaluate:
        config.metrics("none", words)
    assert of_run.value.hint == of_evaluate.value.hint


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("steps", int), ("prior.scale", float), ("wandb.tags", list),
        ("dataset.hold_out.shape", Any),
        ("prior.groups.a.b", Any), ("launcher.slurm", None), ("launcher.minutes", int),
        ("nothing", None), ("steps.x", None), ("beta.linear", None), ("prior.nothing", None),
    ],
)  # fmt: skip
def test_types_are_found_by_name(key: str, kind: object):
    found = without_null(type_of(key))[0]
    assert (get_origin(found) or found) is kind


def test_names_and_paths_are_texts():
    assert is_text("out")
    assert is_text("wandb.group")
    assert not is_text("steps")
    assert not is_text("nothing")


@pytest.mark.parametrize(
    ("key", "value", "section"),
    [
        ("metrics.dci.train", 3, "metrics.dci"),
        ("metrics.dci", {"train": 3}, "metrics.dci"),
        ("metrics.dci", None, None),
        ("metrics.seed", 3, None),
        ("training.compile", True, None),
    ],
)
def test_what_may_be_null_is_known(key: str, value: object, section: str | None):
    assert switched_on_by(key, value) == section


def test_settings_of_the_choices_are_known_beside_those_of_their_group():
    require_all({"prior": {"scale": 3, "dimensions": 4}}, "")
    with pytest.raises(UsageError, match=r"^unknown setting 'prior.dimension'$") as refused:
        require_all({"dimension": 3}, "prior")
    assert refused.value.hint == "did you mean 'prior.dimensions'?"
    assert set(get_args(type_of("metrics.dci"))) > {type(None)}

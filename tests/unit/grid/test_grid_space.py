"""Searches in sweep files: every distribution of W&B's, their values, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from scipy import stats

from runner import config
from runner.errors import UsageError
from runner.grid.space import Hyperband, Metric, Parameter, Search
from runner.grid.space.reading import read_search

FILE = Path("some.yaml")
SEARCHED: dict[str, Any] = {"distribution": "uniform", "min": 1, "max": 2}


def search(parameters: dict[str, Any], *options: str, **more: Any) -> Search:
    document = {"method": "random", "run_cap": 5, "parameters": parameters, **more}
    settings = config.search(document["method"], list(options))
    return read_search(FILE, yaml.safe_load(yaml.safe_dump(document)), {}, settings)


def only(parameter: dict[str, Any]) -> Parameter:
    return next(each for each in search({"x": parameter, "y": SEARCHED}).parameters)


DISTRIBUTIONS: list[tuple[dict[str, Any], Any]] = [
    ({"min": 1, "max": 9}, stats.randint(1, 10)),
    ({"min": 1.5, "max": 9}, stats.uniform(1.5, 7.5)),
    ({"distribution": "uniform", "min": 1, "max": 9}, stats.uniform(1, 8)),
    ({"min": "1e-3", "max": "2E0"}, stats.uniform(0.001, 1.999)),  # as YAML has them: text
    ({"distribution": "log_uniform_values", "min": 0.01, "max": 10}, stats.loguniform(0.01, 10)),
    ({"distribution": "inv_log_uniform_values", "min": 0.01, "max": 10},
     stats.loguniform(0.01, 10)),
    ({"distribution": "log_uniform", "min": -2, "max": 1},
     stats.loguniform(math.exp(-2), math.exp(1))),
    ({"distribution": "inv_log_uniform", "min": -2, "max": 1},
     stats.loguniform(math.exp(-1), math.exp(2))),
    ({"distribution": "normal", "mu": 3, "sigma": 0.5}, stats.norm(3, 0.5)),
    ({"distribution": "log_normal", "mu": -7, "sigma": 2}, stats.lognorm(2, scale=math.exp(-7))),
    ({"distribution": "beta", "a": 2, "b": 5}, stats.beta(2, 5)),
]  # fmt: skip


def drawn(parameter: Parameter, count: int = 4000) -> list[str]:
    """Values where the variable of a parameter is spread evenly over its range."""
    shares = (np.arange(count) + 0.5) / count
    variable = parameter.variable
    if variable.choices:
        return [parameter.text(choice) for choice in variable.choices]
    low, high = float(variable.low), float(variable.high)
    if variable.is_whole:
        return [parameter.text(int(low + share * (high - low + 1))) for share in shares]
    if variable.is_logarithmic:
        return [parameter.text(float(x)) for x in low * (high / low) ** shares]
    return [parameter.text(float(x)) for x in low + shares * (high - low)]


@pytest.mark.parametrize(("parameter", "expected"), DISTRIBUTIONS, ids=lambda x: str(x)[:60])
def test_the_values_of_a_parameter_have_its_distribution(parameter: dict[str, Any], expected: Any):
    values = np.array([float(text) for text in drawn(only(parameter))])
    for share in (0.05, 0.3, 0.5, 0.8, 0.95):
        assert np.quantile(values, share) == pytest.approx(expected.ppf(share), rel=0.02)


@pytest.mark.parametrize("continuous", [
    {"distribution": "uniform", "min": 3, "max": 99},
    {"distribution": "log_uniform_values", "min": 3, "max": 99},
    {"distribution": "log_uniform", "min": 1, "max": 4},
    {"distribution": "normal", "mu": 50, "sigma": 20},
    {"distribution": "log_normal", "mu": 3, "sigma": 1},
])  # fmt: skip
@pytest.mark.parametrize(("q", "decimals"), [(8, 0), (0.5, 1)])
def test_rounded_distributions_have_multiples_of_q(
    continuous: dict[str, Any], q: float, decimals: int
):
    rounded = only({**continuous, "distribution": f"q_{continuous['distribution']}", "q": q})
    plain = drawn(only(continuous))
    found = drawn(rounded)
    nearest = [round(float(text) / q) * q for text in plain]
    assert [float(text) for text in found] == pytest.approx(nearest, abs=q)
    assert np.mean([float(a) == b for a, b in zip(found, nearest, strict=True)]) > 0.99
    assert all(len(text.partition(".")[2]) <= decimals for text in found)


def test_choices_may_be_weighted_and_are_moved_as_they_are_otherwise():
    plain = only({"values": [1, "a", None, [1, 2]]})
    assert plain.variable.choices == ("1", "a", "null", "[1,2]")
    weighted = only({"values": ["a", "b", "c"], "probabilities": [0.7, 0.0, 0.3]})
    texts = drawn(weighted, 1000)
    assert [texts.count(each) for each in "abc"] == pytest.approx([700, 0, 300], abs=1)
    assert weighted.text(weighted.variable.high) == "c"


def test_nested_parameters_and_constants():
    found = search({
        "dataset": {"value": "digits"},
        "prior": {"parameters": {"dimensions": {"values": [2, 4]}}},
        "steps": {"value": 10},
    })  # fmt: skip
    assert [each.name for each in found.searched] == ["prior.dimensions"]
    assert found.overrides({"prior.dimensions": "4"}) == (
        "dataset=digits", "prior.dimensions=4", "steps=10", "epochs=null",
    )  # fmt: skip


def test_settings_of_the_command_line_replace_parameters():
    document = {"method": "bayes", "metric": {"name": "loss"}, "parameters": {"beta": SEARCHED}}
    settings = config.search("bayes", ["search.trials=7", "search.seed=3", "search.startup=2"])
    found = read_search(FILE, document, {"gamma": ("1", "2"), "alpha": ("3",)}, settings)
    assert (found.trials, found.seed, found.startup) == (7, 3, 2)
    assert [each.name for each in found.searched] == ["beta", "gamma"]
    assert "alpha=3" in found.overrides({"beta": 1.5, "gamma": "2"})


def test_a_search_is_read_again_as_it_was_written():
    early = {"type": "hyperband", "max_iter": 27, "s": 2}
    metric = {"name": "validation/elbo", "goal": "maximize", "target": -80.5}
    found = search({"x": SEARCHED}, metric=metric, early_terminate=early)
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(found)), Search)
    assert again == found
    assert [*found.differences(search({"x": SEARCHED}, metric=metric))] == [
        ("early_terminate", "27 2.0", "none"),
    ]
    assert hash(again) == hash(found)


def test_the_bands_of_hyperband_are_those_of_wandb():
    assert Hyperband(min_iter=3).bands[:4] == (3, 9, 27, 81)
    assert Hyperband(max_iter=27, s=2).bands == (3, 9)
    assert Hyperband(max_iter=27, s=9, eta=2).bands == (1, 3, 6, 13)


def test_a_target_is_reached_from_its_side():
    assert Metric("elbo", "maximize", -80).reached(-80)
    assert not Metric("elbo", "maximize", -80).reached(-81)
    assert Metric("loss", "minimize", 80).reached(79)
    assert not Metric("loss", "minimize").reached(0)


REFUSED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"distribution": "unifrom", "min": 1, "max": 2}, "cannot have the distribution 'unifrom'",
     "did you mean 'uniform'?"),
    ({"distribution": "uniform", "min": 1}, "needs max", None),
    ({"max": 3}, "needs min", None),
    ({"min": 3, "max": 1}, "has min 3 above max 1", None),
    ({"min": "a", "max": 1.5}, "min: expected a number, got str", None),
    ({"mu": 3, "sigma": 1}, "or a distribution", "x: {distribution: normal"),
    ({"distribution": "normal", "mu": 1, "sgima": 2}, "cannot have 'sgima'", "'sigma'?"),
    ({"distribution": "normal", "mu": 1, "q": 2}, "is normal, which has no q", "'q_normal'?"),
    ({"distribution": "normal", "sigma": -1}, "sigma -1.0; it must not be negative", None),
    ({"distribution": "log_uniform_values", "min": 0, "max": 2}, "must be above 0", None),
    ({"distribution": "log_uniform", "min": 1, "max": 1e9}, "are exponents of e", None),
    ({"distribution": "log_normal", "mu": 1e9}, "those of the logarithm", None),
    ({"distribution": "int_uniform", "min": 1.5, "max": 2}, "must be whole numbers", None),
    ({"distribution": "q_uniform", "min": 1, "max": 2, "q": 0}, "has q 0; it must be above", None),
    ({"distribution": "beta", "a": -1}, "has a -1; it must be above 0", None),
    ({"values": [1, 2], "probabilities": [0.5]}, "2 values and 1 probabilities", None),
    ({"values": [1, 2], "probabilities": [0.5, 0.6]}, "add up to 1.1, not to 1", None),
    ({"values": [1, 2], "probabilities": [1.5, -0.5]}, "not to 1", None),
    ({"distribution": "categorical_w_probabilities", "values": [1]}, "needs probab", None),
    ({"values": []}, "must be a list of some", None),
    ({"values": [1, 1.0]}, "has the value 1.0 twice", None),
    ({"distribution": "uniform", "min": 0, "max": float("inf")}, "is not finite", None),
    ({"value": 3}, "no parameter has more than one value", "min and max"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "message", "hint"), REFUSED, ids=lambda x: str(x)[:60])
def test_a_wrong_parameter_is_refused_in_one_line(
    parameter: dict[str, Any], message: str, hint: str | None
):
    with pytest.raises(UsageError) as refused:
        search({"x": parameter})
    assert message in refused.value.message
    assert refused.value.message.startswith("some.yaml: ")
    assert "\n" not in refused.value.message
    assert "$" not in refused.value.message
    assert hint is None or hint in (refused.value.hint or "")


@pytest.mark.parametrize(("more", "message", "hint"), [
    ({"method": "bayes"}, "method: bayes needs a metric", "metric: {name: elbo, goal: maximize}"),
    ({"early_terminate": {"type": "hyperband", "min_iter": 3}}, "early_terminate needs a metric",
     None),
    ({"metric": {"name": "loss", "goal": "minimise"}}, "metric, goal: invalid", "'minimize'?"),
    ({"metric": {"nmae": "loss"}}, "metric cannot have 'nmae'", "'name'?"),
    ({"metric": "loss"}, "metric must be a mapping", None),
    ({"run_cap": 0}, "run_cap must be a number of runs", None),
    ({"run_cap": None}, "it has no run_cap", "search.trials=30"),
    ({"metric": {"name": "loss"}, "early_terminate": {"type": "envelope"}}, "type: hyperband",
     None),
    ({"metric": {"name": "loss"}, "early_terminate": {"type": "hyperband", "eta": 2}},
     "early_terminate needs min_iter, or max_iter and s", None),
    ({"metric": {"name": "loss"},
      "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 1}}, "eta: expected", None),
])  # fmt: skip
def test_a_wrong_search_is_refused_in_one_line(
    more: dict[str, Any], message: str, hint: str | None
):
    with pytest.raises(UsageError) as refused:
        search({"x": SEARCHED}, **more)
    assert message in refused.value.message
    assert hint is None or hint in (refused.value.hint or "")


@pytest.mark.parametrize(("options", "message"), [
    (["search.trails=3"], "unknown setting 'search.trails'"),
    (["search.trials=0"], "search.trials must be 1 to 100,000"),
    (["search.startup=3"], "unknown setting 'search.startup'"),
    (["search.seed=-1"], "search.seed must be"),
])  # fmt: skip
def test_a_wrong_way_to_search_is_refused(options: list[str], message: str):
    with pytest.raises(UsageError, match=message):
        search({"x": SEARCHED}, *options)

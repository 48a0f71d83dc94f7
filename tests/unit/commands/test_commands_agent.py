"""A sweep file means the same to ``vaerun sweep=`` and to the runs that W&B's agent starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

from runner.commands.overrides import steps_or_epochs
from runner.config import RunConfig, plain
from runner.config.compose import allow_new_key
from runner.config.written import AGENT, of_command_line
from runner.grid.sweep_file import read

Composed = Callable[..., RunConfig]

PARAMETERS = {
    # numbers
    "exponent without a point": "learning_rate: {value: 1e-3}",
    "exponents": "learning_rate: {values: [1e-3, 2E-5, 1.5e-4, 1.0e-2, .5e-2]}",
    "small numbers": "learning_rate: {values: [0.001, 0.00001, 0.000000012]}",
    "whole and not": "beta: {values: [1, 2.0, 4.5, 0]}",
    "quoted numbers": "beta: {values: ['1', '4.5', \"12\"]}",
    "numbers with a sign": "alpha: {values: [-1, +2, -0.5]}",
    "numbers with underscores": "steps: {value: 1_000}",
    "octal": "seed: {value: 017}",
    "octal of YAML 1.2, which is a string": "name: {value: 0o17}",
    "hexadecimal": "seed: {value: 0x10}",
    "sexagesimal": "seed: {value: 1:30}",
    "number as a name": "name: {values: [12, 1.5, 0012, '0012', 1e-3]}",
    "a range": "seed: {min: 2, max: 4}",
    # nothing, truth
    "nothing": "evaluation.encodings: {value: 5}\n  training.clip_gradient: {values: [null, 1.0]}",
    "nothing, as Python writes it": "training.clip_gradient: {value: None}",
    "nothing, with a tilde": "training.clip_gradient: {value: ~}",
    "truth": "training.compile: {values: [true, false]}",
    "truth, in other words": "training.compile: {values: [yes, off]}",
    "truth, quoted": "training.compile: {value: 'True'}",
    "yes as a string": "name: {value: 'yes'}",
    # strings
    "spaces": "name: {value: two  words }",
    "spaces around": "name: {value: ' around '}",
    "commas": "name: {value: 'a,b, c'}",
    "quotes": 'name: {values: ["it\'s", \'a "word"\', "\'quoted\'", \'"quoted"\']}',
    "equals, colons, braces": "name: {values: ['a=b', 'a: b', '(x)', 'x{y}', '[1', 'a]']}",
    "what Hydra computes": "name: {values: ['choice(1,2)', 'range(0,3)', 'glob(*)']}",
    "backslashes": "name: {values: ['a\\b', 'a\\', 'a\\,b']}",
    "not ASCII": "name: {values: [é, 日本, 'ß x']}",
    "nothing in quotes": "wandb.group: {value: ''}",
    "several lines": 'wandb.tags: {value: ["two\\nlines"]}',
    "a date": "name: {values: [2024-01-31, 2024-01-31 12:30:00]}",
    "a path": "data_dir: {values: [/data/x, ../x, ~/x, 'C:\\x', 'a=b/c d']}",
    "not a number": "name: {values: [.nan, .inf]}",
    # structures
    "a list": "objective.penalties.mmd.scales: {values: [[1, 2], [0.5], [1e-3, 1]]}",
    "a list of strings": "wandb.tags: {values: [[a, 'b c'], [\"it's\", 'x,y', 'None'], []]}",
    "a list in a string": "objective.penalties.mmd.scales: {value: '[1, 2]'}",
    "a mapping": "dataset.hold_out: {value: {shape: heart, scale: [4, 5]}}",
    "a mapping with odd keys": "dataset.hold_out: {value: {a b: 1, 'c:d': [x]}}",
    "an empty mapping": "dataset.hold_out: {value: {}}",
    "a schedule": "beta: {values: [{linear: {from: 0, to: 4, over: 100}}, 4]}",
    "a schedule with an exponent": "beta: {value: {linear: {from: 1e-3, to: 4, over: 100}}}",
    "a schedule in a string": "beta: {value: '{linear: {from: 0, to: 4, over: 100}}'}",
    "a setting given as a mapping": "objective.penalties.mmd: {value: {weight: 1, scales: [1, 2]}}",
    # choices, nested parameters
    "a choice": "prior: {values: [normal, laplace]}\n  objective: {value: beta_vae}",
    "steps": "steps: {value: 5}",
    "steps without epochs": "steps: {value: 5}\n  epochs: {value: null}",
    "a choice of nothing": "experiment: {value: null}",
    "nested": "training: {parameters: {record_every: {values: [1, 5]}, compile: {value: true}}}",
    "nested twice": "objective: {parameters: {penalties: {parameters: {mmd: {parameters: "
    "{weight: {values: [1, 2]}, scales: {value: [1]}}}}}}}",
    "nested in a group": "prior: {parameters: {group_size: {values: [2, 5]}}}",
    "a group given as a mapping": "prior: {value: {group_size: 2}}",
}


def given_by_wandb(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The arguments of each run, as the server of W&B makes them of a grid."""
    ways: dict[str, list[Any]] = {}
    for key, entry in parameters.items():
        if "parameters" in entry:
            ways[key] = given_by_wandb(entry["parameters"])
        elif "min" in entry:
            ways[key] = list(range(entry["min"], entry["max"] + 1))
        else:
            ways[key] = entry.get("values", [entry.get("value")])
    return [dict(zip(ways, each, strict=True)) for each in product(*ways.values())]


def settings(composed: Composed, overrides: list[str]) -> str:
    """The settings of a run, as text that tells 1 from 1.0 and has NaN equal to itself."""
    chosen = [allow_new_key(o) for o in overrides if o != "experiment=null"]
    return repr(plain(composed(*chosen)))


@pytest.mark.parametrize("text", PARAMETERS.values(), ids=PARAMETERS)
def test_a_sweep_file_and_an_agent_give_the_same_settings(
    composed: Composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
):
    file = tmp_path / "sweep.yaml"
    file.write_text(f"method: grid\nparameters:\n  {text}\n", encoding="utf-8")
    monkeypatch.setenv(AGENT, "x")
    runs = [settings(composed, list(run)) for run in read(file).runs()]
    by_agent = []
    sent = json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str)
    for arguments in given_by_wandb(json.loads(sent)["parameters"]):
        command = create_sweep_command_args(
            {"args": {k: {"value": v} for k, v in arguments.items()}}
        )
        overrides = of_command_line(command["args_no_hyphens"], one_run=True)
        by_agent.append(settings(composed, steps_or_epochs(overrides)))
    assert by_agent == runs
    assert len(set(runs)) == len(runs)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("learning_rate", "1e-3", 0.001),
        ("name", "a,b", "a,b"),
        ("name", "it's", "it's"),
        ("name", "yes", True),
        ("training.clip_gradient", "None", None),
        ("wandb.tags", "[\"it's\", 'x,y']", ["it's", "x,y"]),
    ],
)
def test_a_value_is_what_it_says(
    composed: Composed, monkeypatch: pytest.MonkeyPatch, key: str, text: str, expected: object
):
    monkeypatch.setenv(AGENT, "x")
    found: Any = plain(composed(*of_command_line([f"{key}={text}"], one_run=True)))
    for part in key.split("."):
        found = found[part]
    assert found == ("yes" if expected is True else expected)


def test_without_an_agent_hydra_s_grammar_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(AGENT, raising=False)
    given = [
        "beta=1,4",
        "name='two words'",
        "seed=range(0,3)",
        "wandb.tags=[a,b]",
        "name=two words",
    ]
    assert of_command_line(given, one_run=True) == given
    python = ["name=None", "dataset.hold_out={'a': 1}", "prior={'group_size': 2}"]
    expected = ["name=null", "dataset.hold_out={a:1}", "prior.group_size=2"]
    assert of_command_line(python, one_run=True) == expected
    monkeypatch.setenv(AGENT, "x")
    assert of_command_line(given, one_run=False) == given  # a grid within a run of an agent

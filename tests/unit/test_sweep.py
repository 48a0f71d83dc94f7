"""Sweep files: W&B's format in, Hydra's overrides out; a file that is no grid is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hypothesis import given
from hypothesis import strategies as st

from runner.config import RunConfig, data_root
from runner.errors import UsageError
from runner.sweep import register, to_multirun

WORDS = [
    "digits",
    "outputs/x-y.z",
    "two words",
    " space before and after ",
    "",
    "it's",
    'a "word"',
    "a,b",
    "a=b",
    "a:b",
    "~",
    "[1",
    "{a: 1}",
    "(x)",
    "choice(1,2)",
    "ends with \\",
    "before a quote \\'",
    "two\nlines",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some_sweep.yaml"


def read_back(key: str, override: str) -> list[Any]:
    """Return the values that Hydra would give the runs."""
    parsed = OverridesParser.create().parse_override(f"{key}={override}")
    values = list(parsed.sweep_iterator()) if parsed.is_sweep_override() else [parsed.value()]
    return [value.text if isinstance(value, QuotedString) else value for value in values]


def parameters(file: Path, entries: dict[str, Any]) -> dict[str, str]:
    file.write_text(yaml.safe_dump({"method": "grid", "parameters": entries}))
    return to_multirun(file)["hydra"]["sweeper"]["params"]


def test_a_sweep_file_is_a_multirun_over_its_values(file: Path):
    file.write_text(
        "name: four\nmethod: grid\nmetric: {name: elbo, goal: maximize}\nparameters:\n"
        "  dataset: {value: digits}\n  beta: {values: [1, 4.5]}\n  seed: {values: [0, 1]}\n"
    )
    params = {"dataset": "digits", "beta": "1,4.5", "seed": "0,1"}
    assert to_multirun(file) == {
        "sweep_name": "four",
        "hydra": {"mode": "MULTIRUN", "sweeper": {"params": params}},
    }


def test_a_sweep_without_a_name_has_its_file_s(file: Path):
    file.write_text("parameters: {seed: {values: [0, 1]}}\n")
    assert to_multirun(file)["sweep_name"] == "some_sweep"


def test_the_order_of_the_file_is_the_order_of_the_jobs(file: Path):
    file.write_text("parameters: {seed: {values: [2, 0]}, beta: {value: 1}, alpha: {value: 3}}\n")
    assert list(to_multirun(file)["hydra"]["sweeper"]["params"]) == ["seed", "beta", "alpha"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (3, "3"),
        (-1, "-1"),
        (0.5, "0.5"),
        (1e-5, "1e-05"),
        ("digits", "digits"),
        ("a b", "'a b'"),
    ],
)
def test_a_value_is_written_in_hydra_s_grammar(file: Path, value: object, written: str):
    assert parameters(file, {"key": {"value": value}}) == {"key": written}
    assert read_back("key", written) == [value]


@pytest.mark.parametrize("word", WORDS)
def test_a_string_reaches_hydra_as_it_stands(file: Path, word: str):
    assert read_back("key", parameters(file, {"key": {"value": word}})["key"]) == [word]


def test_strings_with_commas_and_quotes_stay_apart(file: Path):
    written = parameters(file, {"key": {"values": WORDS}})["key"]
    assert read_back("key", written) == WORDS


@given(
    values=st.lists(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
        min_size=1,
        max_size=5,
    )
)
def test_every_number_reaches_hydra_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, values: list[object]
):
    file = tmp_path_factory.mktemp("sweep") / "some_sweep.yaml"
    got = read_back("key", parameters(file, {"key": {"values": values}})["key"])
    assert got == values
    assert [type(value) for value in got] == [type(value) for value in values]


def test_values_win_over_a_value(file: Path):
    assert parameters(file, {"seed": {"value": 5, "values": [0, 1]}}) == {"seed": "0,1"}


def test_the_information_of_any_group_can_be_swept(file: Path, composed: Callable[..., RunConfig]):
    swept = parameters(file, {"objective.group_information.category": {"values": [-20, 0]}})
    ((key, values),) = swept.items()
    for value in values.split(","):
        config = composed("prior=concrete_normal", f"{key}={value}")
        assert config.objective.group_information == {"category": float(value)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameters: [", "{} is not YAML: while parsing a flow node"),
        ("", "{} is not a sweep file: it has no parameters"),
        ("- 1\n", "{} is not a sweep file: it has no parameters"),
        ("name: x\n", "{} is not a sweep file: it has no parameters"),
        ("parameters: [1]\n", "{} is not a sweep file: it has no parameters"),
        ("parameters: {beta: 1}\n", "{}: parameter beta needs value or values"),
        (
            "parameters: {beta: {distribution: uniform, min: 0, max: 1}}\n",
            "{}: parameter beta needs value or values",
        ),
        (
            "method: bayes\nparameters: {beta: {value: 1}}\n",
            "{} asks for method bayes; only grid runs here",
        ),
        (
            "method: random\nparameters: {beta: {value: 1}}\n",
            "{} asks for method random; only grid runs here",
        ),
    ],
)
def test_a_file_that_is_no_grid_is_refused_in_one_line(file: Path, text: str, message: str):
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        to_multirun(file)
    assert refused.value.message == message.format(file)


def test_a_method_of_wandb_s_is_left_to_wandb(file: Path):
    file.write_text("method: bayes\nparameters: {beta: {value: 1}}\n")
    with pytest.raises(UsageError) as refused:
        to_multirun(file)
    assert refused.value.hint == f"wandb sweep {file} hands it to W&B"


@pytest.mark.parametrize(
    ("value", "override"),
    [
        ("[1, 2]", "[1,2]"),
        ("{category: -5}", "{category:-5}"),
        ("'true'", "'true'"),
        ("'12'", "'12'"),
        ("'1e3'", "'1e3'"),
        ("é", "'é'"),
        ("it's", "'it\\'s'"),
        ("'a\\b'", "'a\\b'"),
        ("hfvae", "hfvae"),
        ("true", "true"),
        ("null", "null"),
        ("0.5", "0.5"),
    ],
)
def test_a_value_keeps_the_type_it_has_in_yaml(file: Path, value: str, override: str):
    file.write_text(f"parameters: {{key: {{value: {value}}}}}\n", encoding="utf-8")
    assert to_multirun(file)["hydra"]["sweeper"]["params"] == {"key": override}


def test_a_later_folder_s_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ConfigStore.instance(), "repo", {})
    for folder, seeds in (("first", "0,1"), ("second", "2,3")):
        (tmp_path / folder).mkdir()
        text = f"parameters: {{seed: {{values: [{seeds}]}}}}\n"
        (tmp_path / folder / "both.yaml").write_text(text)
        (tmp_path / folder / f"only_{folder}.yaml").write_text(text)
    (tmp_path / "first" / "broken.yaml").write_text("parameters: {seed: {values: 3}}\n")
    register(["both"], tmp_path / "first", tmp_path / "second", tmp_path / "missing")
    store = ConfigStore.instance()
    assert store.list("sweep") == [
        "both.yaml",
        "broken.yaml",  # offered, and in nobody's way until it is chosen
        "only_first.yaml",
        "only_second.yaml",
    ]
    node = store.load("sweep/both.yaml")
    assert node.package == "_global_"
    assert node.node.hydra.sweeper.params.seed == "2,3"
    with pytest.raises(UsageError, match="must be a list"):
        register(["broken"], tmp_path / "first")


def test_the_shipped_sweeps_are_grids_that_wandb_reads():
    for path in (data_root() / "sweeps").glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        assert document["method"] == "grid"
        assert document["command"] == ["vaerun", "${args_no_hyphens}"]
        assert to_multirun(path)["sweep_name"] == document["name"]

"""Sweep files in W&B's format as Hydra's overrides; an invalid file is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hypothesis import given
from hypothesis import strategies as st

from runner.config import data_root
from runner.config.composition import compose_run
from runner.errors import UsageError
from runner.grid.sweep_file import Block, Sweep, find, identity, read

STRINGS = [
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


def parameters(file: Path, entries: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The values that a sweep file gives each setting."""
    file.write_text(yaml.safe_dump({"method": "grid", "parameters": entries}, sort_keys=False))
    (block,) = read(file).blocks
    return dict(block.values)


def test_a_sweep_file_is_every_combination_of_its_values(file: Path):
    file.write_text(
        "name: four\nmethod: grid\nmetric: {name: elbo, goal: maximize}\nparameters:\n"
        "  dataset: {value: digits}\n  beta: {values: [1, 4.5]}\n  seed: {values: [0, 1]}\n"
    )
    sweep = read(file)
    assert sweep.name == "four"
    assert list(sweep.runs()) == [
        ("dataset=digits", "beta=1", "seed=0"),
        ("dataset=digits", "beta=1", "seed=1"),
        ("dataset=digits", "beta=4.5", "seed=0"),
        ("dataset=digits", "beta=4.5", "seed=1"),
    ]


def test_a_sweep_without_a_name_has_its_file_s(file: Path):
    file.write_text("parameters: {seed: {values: [0, 1]}}\n")
    assert read(file).name == "some_sweep"


def test_the_order_of_the_file_is_the_order_of_the_jobs(file: Path):
    file.write_text("parameters: {seed: {values: [2, 0]}, beta: {value: 1}, alpha: {value: 3}}\n")
    assert list(read(file).runs()) == [
        ("seed=2", "beta=1", "alpha=3"),
        ("seed=0", "beta=1", "alpha=3"),
    ]


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
    assert parameters(file, {"key": {"value": value}}) == {"key": (written,)}
    assert read_back("key", written) == [value]


@pytest.mark.parametrize("text", STRINGS)
def test_a_string_reaches_hydra_unchanged(file: Path, text: str):
    (written,) = parameters(file, {"key": {"value": text}})["key"]
    assert read_back("key", written) == [text]


def test_strings_with_commas_and_quotes_are_kept_apart(file: Path):
    written = parameters(file, {"key": {"values": STRINGS}})["key"]
    assert [read_back("key", each) for each in written] == [[text] for text in STRINGS]


@given(
    values=st.lists(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
        min_size=1,
        max_size=5,
        unique_by=lambda value: value if value is None else (isinstance(value, bool), float(value)),
    )
)
def test_every_number_reaches_hydra_unchanged(
    tmp_path_factory: pytest.TempPathFactory, values: list[object]
):
    file = tmp_path_factory.mktemp("sweep") / "some_sweep.yaml"
    written = parameters(file, {"key": {"values": values}})["key"]
    got = [value for each in written for value in read_back("key", each)]
    assert got == values
    assert [type(value) for value in got] == [type(value) for value in values]


def test_the_information_of_any_group_can_be_swept(file: Path):
    swept = parameters(file, {"objective.group_information.category": {"values": [-20, 0]}})
    ((key, values),) = swept.items()
    for value in values:
        config = compose_run(["prior=concrete_normal", f"{key}={value}"])
        assert config.objective.group_information == {"category": float(value)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "parameters: [",
            "{} is not YAML: expected the node content, but found '<stream end>' in line 1",
        ),
        ("", "{} is not a sweep file: it has no parameters"),
        ("- 1\n", "{} is not a sweep file: it has no parameters"),
        ("name: x\n", "{} is not a sweep file: it has no parameters"),
        ("parameters: [1]\n", "{} is not a sweep file: it has no parameters"),
        (
            "parameters: {beta: 1}\n",
            "{}: parameter beta needs value, values, or integers min and max",
        ),
        (
            "parameters: {beta: {distribution: uniform, min: 0.5, max: 1.5}}\n",
            "{}: in a grid the range of parameter beta must be of integers",
        ),
        (
            "parameters: {seed: {distribution: q_uniform, min: 0, max: 6, q: 3}}\n",
            "{}: in a grid the range of parameter seed must be of integers",
        ),
        (
            "parameters: {seed: {min: 4, max: 1}}\n",
            "{}: in a grid the range of parameter seed must be of integers",
        ),
        (
            "name: ../x\nparameters: {beta: {value: 1}}\n",
            "{}: a name has letters, digits, '_', '-' and '.', got '../x'",
        ),
        ("blocks: []\n", "{}: blocks must be a list of sweep files"),
        ("blocks: [3]\n", "{}: a block is a sweep file, or {{sweep: FILE, zip: {{…}}}}"),
        (
            "blocks: [{sweep: x, zap: 1}]\n",
            "{}: a block is a sweep file, or {{sweep: FILE, zip: {{…}}}}",
        ),
        (
            "blocks: [b.yaml]\nparameters: {beta: {value: 1}}\n",
            "{}: a file of blocks has a name and blocks, not parameters",
        ),
        (
            "method: bayes\nparameters: {beta: {value: 1}}\n",
            "{} asks for method bayes; a block is a grid",
        ),
        (
            "method: random\nparameters: {beta: {value: 1}}\n",
            "{} asks for method random; a block is a grid",
        ),
    ],
)
def test_an_invalid_sweep_file_is_refused_in_one_line(file: Path, text: str, message: str):
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read(file)
    assert refused.value.message == message.format(file)


def test_a_search_is_no_block_of_a_grid(file: Path):
    file.write_text("method: bayes\nparameters: {beta: {value: 1}}\n")
    with pytest.raises(UsageError) as refused:
        read(file)
    assert refused.value.hint == "a search is a sweep file by itself: vaerun sweep=FILE"


@pytest.mark.parametrize(
    ("value", "override"),
    [
        ("[1, 2]", "[1,2]"),
        ("{category: -5}", "{category:-5}"),
        ("'true'", "true"),
        ("'12'", "12"),
        ("1e3", "1e3"),
        ("[1e-3, '12', 'true']", "[1e-3,'12','true']"),
        ("é", "'é'"),
        ("it's", "'it\\'s'"),
        ("'a\\b'", "'a\\b'"),
        ("hfvae", "hfvae"),
        ("true", "true"),
        ("null", "null"),
        ("0.5", "0.5"),
    ],
)
def test_a_value_has_the_type_that_its_text_has_on_the_command_line(
    file: Path, value: str, override: str
):
    file.write_text(f"parameters: {{key: {{value: {value}}}}}\n", encoding="utf-8")
    (block,) = read(file).blocks
    assert block.values == {"key": (override,)}


def test_a_range_of_integers_is_all_of_them(file: Path):
    assert parameters(file, {"seed": {"min": 2, "max": 5}}) == {"seed": ("2", "3", "4", "5")}
    named = {"distribution": "int_uniform", "min": 0, "max": 1}
    assert parameters(file, {"seed": named}) == {"seed": ("0", "1")}


def test_steps_override_an_experiment_s_epochs(file: Path):
    assert parameters(file, {"steps": {"value": 9}}) == {"steps": ("9",), "epochs": ("null",)}
    given = {"steps": {"value": 9}, "epochs": {"value": None}}
    assert parameters(file, given) == {"steps": ("9",), "epochs": ("null",)}


@pytest.fixture
def blocks(tmp_path: Path) -> Path:
    """A folder with two blocks."""
    (tmp_path / "one.yaml").write_text(
        "parameters: {objective: {value: vae}, seed: {values: [0, 1]}}"
    )
    (tmp_path / "two.yaml").write_text(
        "parameters: {objective: {value: hfvae}, beta: {values: [1, 4]}, seed: {values: [0, 1]}}"
    )
    return tmp_path


def test_blocks_are_joined_in_their_order(blocks: Path):
    (blocks / "both.yaml").write_text("name: both\nblocks: [one.yaml, two.yaml, one.yaml]\n")
    sweep = read(blocks / "both.yaml")
    assert [" ".join(overrides) for overrides in sweep.runs()] == [
        "objective=vae seed=0",
        "objective=vae seed=1",
        "objective=hfvae beta=1 seed=0",
        "objective=hfvae beta=1 seed=1",
        "objective=hfvae beta=4 seed=0",
        "objective=hfvae beta=4 seed=1",
    ]


def test_zipped_lists_are_combined_element_by_element(blocks: Path):
    (blocks / "zipped.yaml").write_text(
        "blocks:\n  - {sweep: two.yaml, zip: {beta: [4, 12], gamma: [1, 2]}}\n"
    )
    overrides = [" ".join(overrides) for overrides in read(blocks / "zipped.yaml").runs()]
    assert overrides == [
        "objective=hfvae seed=0 beta=4 gamma=1",
        "objective=hfvae seed=1 beta=4 gamma=1",
        "objective=hfvae seed=0 beta=12 gamma=2",
        "objective=hfvae seed=1 beta=12 gamma=2",
    ]


@pytest.mark.parametrize("zipped", ["{beta: [1], gamma: [1, 2]}", "{beta: 1}", "[1]", "{beta: []}"])
def test_lists_that_cannot_be_zipped_are_refused(blocks: Path, zipped: str):
    (blocks / "zipped.yaml").write_text(f"blocks: [{{sweep: two.yaml, zip: {zipped}}}]\n")
    with pytest.raises(UsageError, match="zip needs lists of one length"):
        read(blocks / "zipped.yaml")


def test_a_block_that_is_missing_is_named(blocks: Path):
    (blocks / "both.yaml").write_text("blocks: [one.yaml, three.yaml]\n")
    with pytest.raises(UsageError, match=r"cannot read .*three.yaml: No such file"):
        read(blocks / "both.yaml")


def test_an_override_replaces_the_values_of_every_block(blocks: Path):
    (blocks / "both.yaml").write_text(
        "blocks: [one.yaml, {sweep: two.yaml, zip: {beta: [4, 12], gamma: [1, 2]}}]\n"
    )
    sweep = read(blocks / "both.yaml").replaced({"beta": ("9",), "seed": ("7",), "steps": ("5",)})
    assert [" ".join(overrides) for overrides in sweep.runs()] == [
        "objective=vae seed=7 beta=9 steps=5",
        "objective=hfvae seed=7 beta=9 steps=5 gamma=1",
        "objective=hfvae seed=7 beta=9 steps=5 gamma=2",
    ]


def test_a_run_is_listed_once_however_it_is_written():
    twice = Block({"beta": ("4", "4.0", "4e0"), "seed": ("0",)})
    assert list(Sweep(None, (twice,)).runs()) == [("beta=4", "seed=0")]
    assert identity(["beta=4", "seed=0"]) == identity(["seed=0", "++beta=4.0"])
    assert identity(["beta=4"]) != identity(["beta=4.1"])


def test_each_value_of_a_block_occurs_in_few_runs():
    block = Block(
        {"objective": ("vae", "hfvae"), "seed": tuple(str(n) for n in range(50))},
        ({"beta": "1"}, {"beta": "4"}),
    )
    shown = [" ".join(overrides) for overrides in block.each_value()]
    assert shown == [
        "objective=vae seed=0 beta=1",
        "objective=hfvae seed=0 beta=1",
        "objective=vae seed=49 beta=1",
        "objective=vae seed=0 beta=4",
    ]


def test_the_user_s_own_file_overrides_a_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert find("smoke") == data_root() / "sweeps" / "smoke.yaml"
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "smoke.yaml").write_text("parameters: {}")
    assert find("smoke") == Path("sweeps/smoke.yaml")
    assert find("mnist_grid/hfvae") == data_root() / "sweeps" / "mnist_grid" / "hfvae.yaml"
    (tmp_path / "elsewhere.yaml").write_text("parameters: {}")
    assert find("elsewhere.yaml") == Path("elsewhere.yaml")
    with pytest.raises(UsageError, match="unknown sweep 'smokk'") as refused:
        find("smokk")
    assert "did you mean 'smoke'?" in str(refused.value.hint)


SHIPPED = sorted((data_root() / "sweeps").rglob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(data_root())))
def test_the_shipped_sweeps_are_such_as_wandb_reads(path: Path):
    """W&B's own format, and the group's name among the arguments that its agent gives a run."""
    document = yaml.safe_load(path.read_text())
    grid = path.parent.name if path.parent.name != "sweeps" else path.stem
    if "blocks" in document:
        assert document["name"] == path.stem
        return
    assert document["method"] in ("grid", "bayes")
    assert document["command"] == ["vaerun", f"sweep_name={grid}", "${args_no_hyphens}"]
    if document["method"] == "grid":
        assert read(path).name == document["name"]


SIZES = {
    "mnist_grid": 100,
    "fashion_mnist_grid": 100,
    "hfvae_claim": 108,
    "locatello": 6 * 6 * 50,
    "smoke": 4,
    "quantised": 5 * 3,
    "weak_pairs": 2 * 6 * 5,
}


@pytest.mark.parametrize("name", SIZES)
def test_the_published_grids_have_their_size(name: str):
    assert len(list(read(data_root() / "sweeps" / f"{name}.yaml").runs())) == SIZES[name]

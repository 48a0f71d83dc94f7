"""Own pieces in the settings: typed, composed, restored, listed, recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import config
from runner.config import Schedule, at_step
from runner.config.composition import compose
from runner.config.descriptions import choices, names, settings_of_choice, shared_settings
from runner.config.own_pieces import FIGURES
from runner.config.plugin_use import given_plugins, restored, use, with_plugins
from runner.errors import UsageError
from runner.figures import of_run
from runner.plugins import active, loading, pieces

FILE = """
from dataclasses import dataclass, field
from typing import Optional
from runner.config import Value
from runner.plugins import *
from runner.plugins import loading

@dataclass
class Width:
    width: int = field(default=32, metadata={"help": "units of the layer"})
    text: str = "plain"
    sizes: list[int] = field(default_factory=lambda: [1, 2])
    maybe: int | None = None
    perhaps: Optional[float] = 0.5

@dataclass
class Pull:
    target: Value = 0.0
    weight: float = 0.0
    kind: str = "square"

def nothing(*given, **named): ...

add_network("tiny", nothing, settings=Width, help="a small network")
add_prior("heavy", nothing, settings={"degrees": 3.0, "dimensions": 5})
add_likelihood("soft", nothing, settings={"scale": 0.5})
add_dataset("shapes", nothing, settings={"count": 3})
add_penalty("pull", nothing, settings=Pull)
add_metric("width", nothing, settings={"samples": 100})
"""


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(FILE)
    return f"plugins=[{tmp_path / 'mine.py'}]"


def test_own_choices_have_the_defaults_of_their_files(plugin: str):
    given = ("architecture=tiny", "prior=heavy", "likelihood=soft", "dataset=shapes")
    found = compose([plugin, *given]).parse()
    network = vars(found.architecture)
    assert network == {
        "name": "tiny", "width": 32, "text": "plain", "sizes": [1, 2], "maybe": None,
        "perhaps": 0.5, "conditional": False, "conditional_head": "shared",
    }  # fmt: skip
    assert (found.prior.dimensions, found.prior.group_size) == (5, None)  # 5 has no pairs
    assert vars(found.prior)["degrees"] == 3.0
    assert vars(found.likelihood) == {"name": "soft", "scale": 0.5}
    assert vars(found.dataset)["count"] == 3
    assert found.objective.penalties.pull.weight == 0
    assert found.metrics.width.samples == 100


def test_a_dataset_brings_a_network_for_any_size(plugin: str):
    assert compose([plugin, "dataset=shapes"]).parse().architecture.name == "conv"
    chosen = compose([plugin, "dataset=shapes", "architecture=mlp"]).parse()
    assert chosen.architecture.name == "mlp"


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("architecture.width=x", "architecture.width must be a whole number", None),
        ("architecture.widht=3", "unknown setting 'architecture.widht'", "'architecture.width'"),
        ("objective.penalties.pul.weight=1", "unknown setting", "'objective.penalties.pull."),
        ("objective.penalties.pull.weight=-1", "must be zero or a positive finite number", None),
        ("metrics.width.smples=1", "unknown setting", "'metrics.width.samples'"),
    ],
)  # fmt: skip
def test_their_settings_are_checked_like_ours(
    plugin: str, override: str, message: str, hint: str | None
):
    with pytest.raises(UsageError) as caught:
        compose([plugin, "architecture=tiny", override]).parse()
    assert message in caught.value.message
    assert hint is None or hint in str(caught.value.hint)


def test_weights_and_values_of_a_penalty_may_be_schedules(plugin: str):
    way = "{linear: {from: 0, to: -2, over: 10}}"
    found = compose([plugin, f"objective.penalties.pull.target={way}"]).parse()
    target = found.objective.penalties.pull.target
    assert isinstance(target, Schedule)
    assert at_step(target, 5) == -1


def test_own_metrics_are_off_with_metrics_none(plugin: str):
    assert compose([plugin, "metrics=none"]).parse().metrics.width is None
    given = compose([plugin, "metrics=none", "metrics.width.samples=7"]).parse()
    assert given.metrics.width.samples == 7
    assert compose([plugin, "metrics.width=null"]).parse().metrics.width is None
    assert config.metrics("none", []).width is None
    assert config.metrics("fast", ["metrics.width.samples=9"]).width.samples == 9
    assert config.metrics("none", ["metrics.width.samples=9"]).width.samples == 9


def test_settings_without_the_plugin_know_nothing_of_it(plugin: str):
    compose([plugin])
    without = compose([]).parse()
    assert without.plugins == []
    assert not hasattr(without.objective.penalties, "pull")
    assert not hasattr(without.metrics, "width")
    with pytest.raises(UsageError, match="unknown architecture 'tiny'"):
        compose(["architecture=tiny"])


def test_a_run_records_its_plugins_and_is_restored_with_them(plugin: str, tmp_path: Path):
    composition = compose([plugin, "prior=heavy", "objective.penalties.pull.weight=3"])
    found = composition.parse()
    (record,) = found.plugins
    assert record["path"] == str(tmp_path / "mine.py")
    assert len(record["sha256"]) == 64
    text = config.to_yaml(found)
    use([])
    refused: list[object] = []
    assert restored(text, ["seed=4"], refused.append) == ["seed=4"]
    assert refused == [[record]]
    again = config.restore(text, [])
    assert again == found
    with pytest.raises(UsageError, match="not allowed"):
        restored(text, [], allow=_refuse)


def _refuse(_: object) -> None:
    raise UsageError("not allowed")


def test_a_plugin_that_is_given_takes_the_place_of_the_recorded_one(plugin: str, tmp_path: Path):
    text = config.to_yaml(compose([plugin]).parse())
    path = tmp_path / "mine.py"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = path.rename(elsewhere / "renamed.py")  # the same content under another name
    (changed,) = restored(text, [f"plugins=[{moved}]"], _refuse)
    assert [each["path"] for each in given_plugins([changed])] == [str(moved)]
    (elsewhere / "mine.py").write_text(f"{FILE}\n# edited")  # another content of the same name
    restored(text, [f"plugins=[{elsewhere / 'mine.py'}]"], _refuse)
    (tmp_path / "more.py").write_text(FILE.replace('"', "'").replace("'", "'", 1))
    loading._of_files.clear()  # a new process
    with pytest.raises(UsageError, match="has own pieces of the run, and is missing"):
        restored(text, [f"plugins=[{tmp_path / 'more.py'}]"], lambda _: None)


def test_what_is_recorded_is_read_again_as_it_is(plugin: str, tmp_path: Path):
    once = with_plugins([plugin, "seed=1"])
    assert with_plugins(once) == once
    odd = tmp_path / "a ${b} 'c'.py"
    odd.write_text(FILE)
    quoted = str(odd).replace("'", "\\'")
    found = compose([f"plugins=['{quoted}']"]).parse()
    assert found.plugins[0]["path"] == str(odd)
    assert config.restore(config.to_yaml(found), []).plugins == found.plugins


@pytest.mark.parametrize("value", ["3", "[3]", "[{path: a.py, other: b}]", "[{sha256: a}]", "['']"])
def test_what_names_no_plugins_is_refused(value: str):
    with pytest.raises(UsageError, match="plugins must be a list of files"):
        compose([f"plugins={value}"]).parse()


def test_the_yaml_beside_a_file_can_be_chosen(plugin: str, tmp_path: Path):
    (tmp_path / "conf" / "architecture").mkdir(parents=True)
    text = "# My wide one.\ndefaults: [/schema/architecture/tiny@_here_]\nname: tiny\nwidth: 99\n"
    (tmp_path / "conf" / "architecture" / "wide.yaml").write_text(text)
    found = compose([plugin, "architecture=wide"]).parse()
    assert vars(found.architecture)["width"] == 99
    assert vars(found.architecture)["text"] == "plain"
    (listed,) = [choice for choice in choices("architecture") if choice.name == "wide"]
    assert listed.help == "My wide one. (own, conf/ beside mine.py)"


def test_own_yaml_of_a_whole_run_may_name_plugins(plugin: str, tmp_path: Path):
    (tmp_path / "yaml" / "experiment").mkdir(parents=True)
    text = f"# @package _global_\nplugins: [{tmp_path / 'mine.py'}]\nseed: 5\n"
    (tmp_path / "yaml" / "experiment" / "study.yaml").write_text(text)
    search = f"hydra.searchpath=['file://{tmp_path / 'yaml'}']"
    found = compose([search, "experiment=study", "architecture=tiny"]).parse()
    assert (found.seed, len(found.plugins), found.architecture.name) == (5, 1, "tiny")


def test_own_pieces_are_listed_with_their_file(plugin: str):
    with_plugins([plugin])
    (tiny,) = [choice for choice in choices("architecture") if choice.name == "tiny"]
    assert tiny.help == "a small network (own, mine.py)"
    rows = {s.key: (s.default, s.help) for s in settings_of_choice("architecture", tiny)}
    assert rows["architecture.width"] == ("32", "units of the layer")
    assert rows["architecture.maybe"][0] == "null"
    shared = {s.key: s.default for s in shared_settings()}
    assert shared["objective.penalties.pull.weight"] == "0.0"
    assert shared["metrics.width.samples"] == "100"
    assert {"prior.degrees", "metrics.width", "dataset.count"} <= set(names())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("add_prior('normal', nothing)", "there is a prior 'normal' of vaerun's own"),
        ("add_dataset('digits', nothing)", "there is a dataset 'digits' of vaerun's own"),
        ("add_network('conv', nothing)", "there is a network 'conv' of vaerun's own"),
        ("add_likelihood('laplace', nothing)", "there is a likelihood 'laplace' of vaerun's own"),
        ("add_penalty('mmd', nothing)", "there is a penalty 'mmd' of vaerun's own"),
        ("add_metric('udr', nothing)", "there is a metric 'udr' of vaerun's own"),
        ("add_metric('seed', nothing)", "there is a metric 'seed' of vaerun's own"),
        ("add_figure('latents', nothing)", "there is a figure 'latents' of vaerun's own"),
        ("add_figure('heat_map', nothing, of='comparison')", "there is a figure 'heat_map'"),
        ("add_prior('a', nothing, settings={'name': 'b'})", "cannot have a setting 'name'"),
    ],
)
def test_names_of_ours_are_taken(tmp_path: Path, line: str, message: str):
    path = tmp_path / "taken.py"
    path.write_text(f"from runner.plugins import *\ndef nothing(*a, **b): ...\n{line}\n")
    with pytest.raises(UsageError) as caught:
        use([str(path)])
    assert f"'{path}', line 3" in caught.value.message
    assert message in caught.value.message
    assert active() == ()


def test_two_plugins_cannot_add_one_piece(plugin: str, tmp_path: Path):
    (tmp_path / "other.py").write_text(f"# other\n{FILE}")
    both = [str(tmp_path / name) for name in ("mine.py", "other.py")]
    with pytest.raises(UsageError, match=r"network 'tiny' is added by '.*mine\.py' as well"):
        use(both)
    assert pieces("network") == {}


def test_the_names_of_our_figures_are_those_that_are_drawn():
    assert set(FIGURES) == {*of_run.FIGURES, "traversal", "pruning"}

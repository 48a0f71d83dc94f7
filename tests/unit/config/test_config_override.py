"""Names and paths are taken as they are; where that cannot be, the quoting shown works."""

from __future__ import annotations

import shlex

import pytest

from runner.config.composition import compose
from runner.config.grammar import quoted, shell_quoted
from runner.config.override import changes, read_override, searched_folders
from runner.config.setting_types import all_settings, is_text
from runner.errors import UsageError
from tests.foreign_words import foreign_words

TEXTS = [key for key in all_settings() if is_text(key)]
"""Every setting that is a name, a path or a word."""

CHARACTERS = [
    "a=b", "a,b", "a b", "a'b", 'a"b', "a\\", "a\\'b", "a\nb", "é☃日本", "#a", "~a", "~/a", "a:b",
    "[red]a[/red]", "a[/]b", "{a}", "a{b", "a}b", "$a", "${", "a${b c", "-a", "--a", "(a)", "a;b",
    "1e3", "007", "1_000", "true", "nan", "a|b&c", "%d", "*", "?", "@a", "!a", "`a`", "a\\b",
    "file://a", "a//b", "a\tb", "\x1b[31m", "str(a)", "choice(a,b)", "range(1,3)", "glob(*)",
]  # fmt: skip
"""What people's folders are called."""


def test_the_schema_has_the_paths_and_names_that_are_known():
    known = {"out", "data_dir", "name", "sweep_name", "wandb.project", "wandb.entity"}
    assert known < set(TEXTS)


@pytest.mark.parametrize("text", CHARACTERS)
def test_a_name_or_a_path_is_taken_as_it_is(text: str):
    for key in TEXTS:
        override = read_override(f"{key}={text}")
        assert override.value == text.replace("${", "\\${")
        assert read_override(override.text).value == override.value  # read again, it is the same


@pytest.mark.parametrize("text", CHARACTERS)
def test_it_arrives_in_the_settings(text: str):
    settings = compose([f"out={text}", f"data_dir={text}", f"wandb.project={text}"]).parse()
    assert (settings.out, settings.data_dir, settings.wandb.project) == (text, text, text)


@pytest.mark.parametrize("text", [text for text in CHARACTERS if "$" not in text])
def test_quotes_are_read_back(text: str):
    for key in ("out", "name"):
        assert read_override(f"{key}={quoted(text)}").value == text
        (pasted,) = shlex.split(shell_quoted(key, text))
        assert read_override(pasted).value == text
    folders = [f"hydra.searchpath=[{quoted('file:///' + text)},{quoted('file:///b')}]"]
    assert [str(p) for p in searched_folders(folders[0])][1] == "/b"


@pytest.mark.parametrize("key", ["out", "data_dir", "name", "wandb.project"])
def test_null_is_refused_and_the_quoting_shown_works(key: str):
    with pytest.raises(UsageError, match=f"{key} must be text, got null") as refused:
        read_override(f"{key}=null")
    assert refused.value.hint is not None
    (pasted,) = shlex.split(refused.value.hint.partition(": ")[2])
    assert read_override(pasted).value == "null"


@pytest.mark.parametrize("names", ["[a#b]", "[a=b,c]", "[é]", "[~a,b&c]"])
def test_a_list_of_names_shows_the_quoting_that_works(names: str):
    with pytest.raises(UsageError) as refused:
        read_override(f"wandb.tags={names}")
    assert not foreign_words(refused.value)
    assert refused.value.hint is not None
    (pasted,) = shlex.split(refused.value.hint.partition(": ")[2])
    assert read_override(pasted).value == names[1:-1].split(",")


def test_a_reference_stays_one_and_a_backslash_makes_it_a_text():
    assert compose(["name=${dataset.name}-x"]).parse().name == "sprites-x"
    assert compose([r"name=\${dataset.name}"]).parse().name == "${dataset.name}"


@pytest.mark.parametrize(
    ("setting", "message", "hint"),
    [
        ("beta=[1", "cannot read 'beta=[1': as many '[' as ']' are needed", None),
        ("prior.groups={a: [z_0}", "as many '[' as ']' are needed", None),
        ("prior.groups={a: ['z_0]}", "a quote is not closed", None),
        ("prior.groups={a#b: [z_0]}", "cannot read 'prior.groups={a#b", "before ':'"),
        ("prior.groups={a: [x], a: [y]}", "prior.groups: 'a' is given twice", None),
        ("prior.groups={a: {b: [x]}, c: {b: [y]}}", None, None),
        ("prior.discrete={a: 3, b: 4, 'a': 5}", "cannot read", None),
        ("prior.groups=" + "[" * 40 + "]" * 40, "more than 32 brackets", None),
        ("steps=" + "9" * 5000, "a number of 5,000 digits", None),
        ("beta=" + "9" * 5000 + ".5", "a number of 5,000 digits", None),
        ("objective.penalties.mmd.scales=[" + "9" * 5000 + "]", "of 5,000 digits", None),
        ("beta=1,2", "beta=1,2 has several values", "-m trains a run for each"),
        ("beta=range(1,5)", "has several values", "-m"),
        ("beta@x=3", "a setting's name has no '@'", None),
        ("be ta=3", "a setting is written key=value", None),
        ("=3", "a setting is written key=value", None),
        ("hydra.verbose=5", "'hydra.verbose' is not used here", "hydra.run.dir"),
        ("hydra/launcher=x", "'hydra/launcher' is not used here", "hydra.run.dir"),
        ("hydra=x", "'hydra' is not used here", None),
        ("beta.linear.from=3", "unknown setting 'beta.linear.from'", "beta is one value: a number"),
        ("steps.x=3", "unknown setting 'steps.x'", "steps is one value: a whole number"),
        ("objective=null", "objective=null: there must be one", "vaerun list"),
        ("architecture.widths=32", "must be a list of whole numbers", "even of one: [32]"),
        ("metrics.codes=mean", "must be a list of names", "even of one: [mean]"),
        ("metrics.mig={sample: 3}", "unknown setting 'metrics.mig.sample'", "metrics.mig.samples'"),
        ("metrics.dci={train: abc}", "metrics.dci.train must be a whole number, got 'abc'", None),
        ("prior.scale=null", "prior.scale must be a number, got null", None),
        ("objective.penalties.mmd.scales=[[1]]", "must be a list of numbers", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_read_is_said_in_one_line(
    setting: str, message: str | None, hint: str | None
):
    if message is None:
        read_override(setting)
        return
    with pytest.raises(UsageError) as refused:
        read_override(setting)
    assert message in refused.value.message
    assert hint is None or hint in (refused.value.hint or "")
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (["beta=3", "metrics.mig.bins=5"], {"beta": 3, "metrics": {"mig": {"bins": 5}}}),
        (["data_dir=a: b"], {"data_dir": "a: b"}),
        (["metrics.mig={bins: 3}", "metrics.mig.samples=4"],
         {"metrics": {"mig": {"bins": 3, "samples": 4}}}),
        (["metrics.mig=null", "metrics.mig.bins=4"], {"metrics": {"mig": {"bins": 4}}}),
        (["metrics.mig.bins=4", "metrics.mig=null"], {"metrics": {"mig": None}}),
    ],
    ids=str,
)  # fmt: skip
def test_changes_are_nested_mappings(settings: list[str], found: dict[str, object]):
    assert changes(settings) == found


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("stps=3", "unknown setting 'stps'"),
        ("prior=normal", "'prior' is chosen when a run starts, and cannot be changed"),
        ("launcher=slurm", "'launcher' is chosen when a run starts, and cannot be changed"),
    ],
)
def test_what_cannot_be_changed_is_refused(setting: str, message: str):
    with pytest.raises(UsageError) as refused:
        changes([setting])
    assert refused.value.message == message

"""One reader for the arguments of all commands."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from runner.commands.arguments import (
    COMMANDS,
    Command,
    Option,
    read,
)
from runner.commands.manual import COMPARE, EVALUATE, MANUAL, TRAIN
from runner.commands.manual_of_runs import LIST_RUNS
from runner.errors import UsageError

MADE = Command(
    name="made",
    usage=("vaerun made",),
    summary="",
    options=(
        Option("--names", "", "NAME,NAME", is_list=True, short=("-n",)),
        Option("--file", "", "FILE"),
        Option("--kind", "", "KIND", choices=("all", "some"), default="all"),
        Option("--quiet", ""),
    ),
    takes="DIR",
)


def refusal(command: Command, *arguments: str) -> UsageError:
    with pytest.raises(UsageError) as refused:
        read(command, arguments)
    assert "\n" not in refused.value.message
    return refused.value


@pytest.mark.parametrize(
    "order", list(permutations([("--names", "a,b"), ("--quiet",), ("beta=1",), ("folder",)]))
)
def test_arguments_come_in_any_order(order: tuple[tuple[str, ...], ...]):
    found = read(MADE, [argument for part in order for argument in part])
    assert found.overrides == ["beta=1"]
    assert found.operands == ["folder"]
    assert found.flags == {"--names": ["a", "b"], "--quiet": True}


def test_a_list_may_be_given_again_and_in_every_form():
    found = read(MADE, ["--names=a", "-n", "b, c", "--names", "d"])
    assert found.texts("--names") == ["a", "b", "c", "d"]
    assert found.texts("--file") is None
    assert read(MADE, ["--file=x=1"]).text("--file") == "x=1"


def test_an_option_with_a_default_takes_no_argument_that_is_not_its_value():
    assert read(MADE, ["--kind", "beta=1"]).flags == {"--kind": "all"}
    assert read(MADE, ["--kind", "beta=1"]).overrides == ["beta=1"]
    assert read(MADE, ["--kind", "some"]).flags == {"--kind": "some"}
    assert read(MADE, ["--kind"]).flags == {"--kind": "all"}


def test_no_arguments_are_valid():
    assert read(TRAIN, []).flags == {}


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--flie", "x"], "made has no option '--flie'", "did you mean '--file'?"),
        (["--file"], "--file needs a value, FILE", "vaerun made --help"),
        (["--file="], "--file needs a value, FILE", "vaerun made --help"),
        (["--names", " , "], "--names needs a value, NAME,NAME", "vaerun made --help"),
        (["--file", "--quiet"], "--file needs a value, FILE", "vaerun made --help"),
        (["--file", "x", "--file=y"], "--file is given twice", "vaerun made --help"),
        (["--quiet=1"], "--quiet takes no value", "vaerun made --help"),
        (["--kind=sme"], "--kind cannot be 'sme'", "did you mean 'some'?"),
        (["--xqzjw"], "made has no option '--xqzjw'", "vaerun made --help"),
        (["-q"], "made has no option '-q'", None),
    ],
)
def test_a_mistake_is_reported_with_the_nearest_option(
    arguments: list[str], message: str, hint: str | None
):
    error = refusal(MADE, *arguments)
    assert error.message == message
    assert hint is None or error.hint == hint
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("argument", "message", "hint"),
    [
        ("resme", "cannot read 'resme': a setting is written key=value", "did you mean 'resume'?"),
        ("", "cannot read '': a setting is written key=value", None),
        ("=3", "cannot read '=3': a setting is written key=value", None),
        ("~steps", "cannot read '~steps': a setting is given a value, not taken away", None),
    ],
)
def test_training_takes_settings_alone(argument: str, message: str, hint: str | None):
    error = refusal(TRAIN, argument)
    assert error.message == message
    assert hint is None or error.hint == hint


def test_abbreviations_are_not_guessed():
    assert refusal(COMPARE, "--met", "elbo").hint == "did you mean '--metric'?"


@pytest.mark.parametrize("short", ["-m", "-c", "-cd", "-i"])
def test_short_options_are_those_of_hydra(short: str):
    value = {"-c": ["job"], "-cd": ["folder"]}.get(short, [])
    (flag,) = read(TRAIN, [short, *value]).flags
    assert flag == {"-m": "--multirun", "-c": "--cfg", "-cd": "--config-dir", "-i": "--info"}[short]


def test_every_command_has_a_page():
    assert set(MANUAL) == {"", *COMMANDS, "list runs"}
    assert all(MANUAL[name].takes for name in MANUAL if name)


@pytest.mark.parametrize("words", [["--sort", "-elbo"], ["--sort=-elbo"]])
def test_a_value_may_begin_with_a_dash_where_that_means_something(words: list[str]):
    found = read(LIST_RUNS, [*words, "outputs", "--json"])
    assert found.texts("--sort") == ["-elbo"]
    assert (found.operands, "--json" in found.flags) == (["outputs"], True)
    assert refusal(LIST_RUNS, "--sort", "--json").message == "--sort needs a value, KEY"


def test_commas_belong_to_a_condition_and_separate_keys():
    found = read(LIST_RUNS, ["--filter", "objective=vae,hfvae", "--sort", "beta,-elbo"])
    assert found.texts("--filter") == ["objective=vae,hfvae"]
    assert found.texts("--sort") == ["beta", "-elbo"]


def test_evaluate_reads_a_file_of_codes():
    found = read(EVALUATE, ["--codes=codes.npz", "metrics=fast"])
    assert (found.text("--codes"), found.overrides) == ("codes.npz", ["metrics=fast"])


@pytest.mark.parametrize("name", ["a=b", "[red]x", "a b", "é", "a,b", "x=[/]"])
def test_a_folder_that_is_there_is_no_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir(parents=True)
    assert read(MADE, [name]).operands == [name]
    assert read(TRAIN, ["--config-dir", name]).texts("--config-dir") == [name]


def test_a_folder_that_begins_like_an_option_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x").mkdir()
    assert refusal(MADE, "-x").hint == "what is in this folder under that name: ./-x"
    assert read(MADE, ["./-x"]).operands == ["./-x"]


@pytest.mark.parametrize(
    ("command", "argument", "hint"),
    [
        (COMPARE, "out=x", "use --out x"),
        (COMPARE, "html=a b", "use --html 'a b'"),
        (COMPARE, "no-figures=1", "use --no-figures"),
        (EVALUATE, "codes=x", "use --codes x"),
        (TRAIN, "dry-run=true", "use --dry-run"),
        (TRAIN, "config-dir=x", "use --config-dir x"),
    ],
)
def test_an_option_given_as_a_setting_is_named(command: Command, argument: str, hint: str):
    error = refusal(command, argument)
    assert error.message.endswith(f"has no setting '{argument.partition('=')[0]}'")
    assert error.hint == hint


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("--nosuch", "vaerun --help"),
        ("--dryrun", "did you mean '--dry-run'?"),
        ("--multirnu", "did you mean '--multirun'?"),
        ("-x", "vaerun --help"),
    ],
)
def test_only_a_near_option_is_offered(argument: str, hint: str):
    assert refusal(TRAIN, argument).hint == hint

"""The pages of ``--help``: complete, and no wider than a terminal."""

from __future__ import annotations

import pytest

from runner import __version__
from runner.commands.arguments import COMMANDS
from runner.commands.help import overview, page
from runner.commands.manual import MANUAL, TRAIN
from runner.config import RunConfig

NAMED = [name for name in MANUAL if name]
PAGES = {name: page(MANUAL[name]) for name in NAMED} | {"": overview(TRAIN)}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_into_80_columns(name: str):
    assert max(len(line) for line in PAGES[name].splitlines()) <= 80
    assert all(line == line.rstrip() for line in PAGES[name].splitlines())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_every_option_but_those_without_use(name: str):
    for option in MANUAL[name].options:
        assert (f"{option.name}" in PAGES[name].split()) == (option.refused is None)


def test_the_overview_names_every_command():
    for name in COMMANDS:
        assert f"\n  {name} " in PAGES[""]
    assert __version__ in PAGES[""]


def test_the_overview_names_settings_that_there_are():
    named = [word[:-1] for word in PAGES[""].split() if word.endswith("=")]
    known = {*RunConfig.__dataclass_fields__, "experiment", "debug", "sweep", "only", "launcher"}
    assert len(named) > 20
    assert set(named) - {"wandb.mode"} <= known


@pytest.mark.parametrize("name", NAMED)
def test_a_page_has_usage_and_examples_of_its_command(name: str):
    assert PAGES[name].startswith(f"usage: vaerun {name}")
    examples = PAGES[name].partition("\nexamples\n")[2].splitlines()
    assert examples
    assert all(line.startswith(f"  vaerun {name}") for line in examples)

"""Help, version and lists: at once, and without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

import runner
from tests.end_to_end.conftest import Vaerun


@pytest.mark.parametrize("word", ["--help", "-h", "--version"])
def test_help_and_version_import_neither_torch_nor_hydra(word: str):
    """Tested by the absence of modules, since a time would depend on the machine."""
    code = (
        f"import sys; sys.argv = ['vaerun', '{word}']\n"
        "from runner.cli import main\n"
        "code = main()\n"
        "assert not {'torch', 'hydra', 'wandb', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert runner.__version__ in done.stdout


def test_wrong_settings_are_refused_before_torch_is_imported():
    code = (
        "import sys; sys.argv = ['vaerun', 'betta=1']\n"
        "from runner.cli import main\n"
        "assert main() == 2 and 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list_shows_every_group_and_the_settings_of_one(vaerun: Vaerun):
    everything = vaerun("list").stdout
    for choice in ("dataset=sprites", "prior=concrete_normal", "objective=hfvae", "sweep=smoke"):
        assert choice in everything
    prior = vaerun("list", "prior").stdout
    assert "temperature=0.66" in prior


def test_hydra_shows_the_composed_settings(vaerun: Vaerun):
    done = vaerun("--cfg", "job", "objective=hfvae", "beta=7")
    assert done.returncode == 0, done.stderr
    assert "beta: 7\n" in done.stdout

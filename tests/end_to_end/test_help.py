"""Help, version and lists, which import no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

import runner
from runner.commands.arguments import COMMANDS
from tests.end_to_end.conftest import Vaerun

PAGES = [["--help"], ["-h"], ["--version"], *([name, "--help"] for name in COMMANDS)]


@pytest.mark.parametrize("arguments", PAGES, ids=" ".join)
def test_help_and_version_import_neither_torch_nor_hydra(arguments: list[str]):
    """Tested by the absence of modules, since a time would depend on the machine."""
    code = (
        f"import sys; sys.argv = ['vaerun', *{arguments}]\n"
        "from runner.cli import main\n"
        "code = main()\n"
        "heavy = {'torch', 'hydra', 'wandb', 'matplotlib', 'sklearn', 'numpy', 'rich'}\n"
        "assert not heavy & set(sys.modules)\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert arguments[0] in COMMANDS or runner.__version__ in done.stdout
    assert arguments[0] not in COMMANDS or f"usage: vaerun {arguments[0]}" in done.stdout


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
    assert ["prior.temperature", "0.66"] in [line.split()[:2] for line in prior.splitlines()]


def test_hydra_shows_the_composed_settings(vaerun: Vaerun):
    done = vaerun("--cfg", "job", "objective=hfvae", "beta=7")
    assert done.returncode == 0, done.stderr
    assert "beta: 7\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--cfg", "hydra"], "hydra:\n"),
        (["--cfg", "all", "beta=3"], "beta: 3\n"),
        (["-c", "job", "-p", "objective.weights"], "# @package objective.weights\n"),
        (["--cfg=job", "--resolve", "beta=3", "objective=beta_vae"], "index_code_mi: 3\n"),
        (["--info", "searchpath"], "Config search path"),
        (["--info", "defaults", "objective=vae"], "objective/vae"),
        (["-sc", "install=bash"], "complete "),
    ],
)
def test_hydra_s_flags_work(vaerun: Vaerun, arguments: list[str], expected: str):
    done = vaerun(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout


def test_a_replaced_objective_is_shown_without_what_the_experiment_set(vaerun: Vaerun):
    done = vaerun("--cfg", "job", "experiment=hfvae_mnist", "objective=vae")
    assert "category" not in done.stdout
    assert done.stderr.startswith("note: experiment=hfvae_mnist with objective=vae: its beta")
    assert len(done.stderr.splitlines()) == 1

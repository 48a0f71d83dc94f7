"""From a command to its folder: vaerun with all figures and scores, pythae's script with none."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from environments import interpreter
from process_tree import run
from turns import HERE, Plan, environment

OBJECTIVE = "beta_tcvae"
PROGRAM = "import sys; from runner.cli import main; sys.exit(main())"

Used = dict[str, list[dict[str, float]]]
"""Candidate → what its command used, once per round."""


@dataclass(frozen=True)
class Commands:
    """The checkouts of vaerun by name, the folder of the data, and further settings of vaerun."""

    trees: dict[str, str]
    data: Path
    settings: Sequence[str]


def training(
    epochs: Sequence[int], commands: Commands, threads: int, plan: Plan
) -> dict[str, Used]:
    """Return what a run of each length used."""
    found: dict[str, Used] = {}
    for _ in range(plan.rounds):
        for number in epochs:
            row = found.setdefault(str(number), {})
            for name in commands.trees:
                used = _vaerun(commands, name, [f"epochs={number}"], threads, plan)
                row.setdefault(name, []).append(used)
            row.setdefault("pythae", []).append(_pythae(commands, number, 1, threads, plan))
    return found


def grid(runs: int, epochs: int, commands: Commands, plan: Plan) -> Used:
    """Return what a grid of runs with different seeds used, and as many models of pythae."""
    found: Used = {}
    seeds = ",".join(map(str, range(runs)))
    settings = ["-m", f"seed={seeds}", f"epochs={epochs}"]
    for _ in range(plan.rounds):
        for name in commands.trees:
            found.setdefault(name, []).append(_vaerun(commands, name, settings, 0, plan))
        found.setdefault("pythae", []).append(_pythae(commands, epochs, runs, 0, plan))
    return found


def _vaerun(
    commands: Commands, name: str, settings: Sequence[str], threads: int, plan: Plan
) -> dict[str, float]:
    """``threads``: 0, as many as the program takes."""
    fixed = [
        "dataset=fashion_mnist", f"data_dir={commands.data}", "architecture=mlp", "batch_size=128",
        f"objective={OBJECTIVE}", "prior=normal", "device=cpu", "wandb.mode=disabled",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        arguments = [*settings, *fixed, *commands.settings, f"out={place}"]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        variables = environment(threads, commands.trees[name], plan)
        used = asdict(run(command, variables, Path(place), plan.logs / f"{name}-end-to-end.log"))
        made = {"figures": "figures/*.png", "scores": "scores.json", "summaries": "summary.json"}
        counts = {what: len(list(Path(place).rglob(files))) for what, files in made.items()}
        return {**used, **counts}


def _pythae(
    commands: Commands, epochs: int, models: int, threads: int, plan: Plan
) -> dict[str, float]:
    python = str(interpreter("pythae", plan.environments))
    with tempfile.TemporaryDirectory() as place:
        arguments = [str(commands.data), place, OBJECTIVE, str(epochs), str(models)]
        command = [python, str(HERE / "pythae_script.py"), *arguments]
        variables = environment(threads, None, plan)
        return asdict(run(command, variables, Path(place), plan.logs / "pythae-end-to-end.log"))

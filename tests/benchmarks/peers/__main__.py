"""Speed and memory of vaerun, of a well-written plain loop, and of peers from the registry.

    python tests/benchmarks/peers                              # all of it, about 25 minutes
    python tests/benchmarks/peers --quick                      # a few cases and rounds, 3 minutes
    python tests/benchmarks/peers --only steps --cases "mlp hfvae 128" "conv64 beta_tcvae 64"
    python tests/benchmarks/peers --only end_to_end grid --data-dir data
    python tests/benchmarks/peers --tree . --against ../older  # two checkouts side by side

**steps**: the candidates train the same network on the same images with the same batch size and
objective, each in a process of its own: vaerun's loop (eager, with the compilation that the program
chooses, compiled), the loop of ``plain.py``, and the training loops of pythae and disent as they
ship, with their own data loading, callbacks and progress bars. The processes take turns of under a
second; a number is the median over the rounds, a ratio the median of each round's ratio, with the
smallest and the largest. Starting, compiling and the first steps are not counted. Of HFVAE, which
no peer has, pythae's beta-TCVAE stands beside it.

**end_to_end**: from the command to its folder, with all figures and scores, for 1, 5 and 20 epochs
of Fashion-MNIST, and pythae's script, with neither. **grid**: sixteen runs in two workers, and
sixteen models that pythae trains one after the other in one process, with as many threads as are
faster.

pythae and disent are installed into environments of their own, which share this one's PyTorch.
``--out`` receives ``results.json``, ``tables.md`` and what the processes print. The figures are as
good as the machine is quiet; ratios of CPU seconds suffer least from what else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import end_to_end
import tables
from cases import CASES, PEERS, QUICK, WITH_MORE_THREADS, Case, candidates
from environments import EnvironmentFailedError
from platformdirs import user_cache_path
from process_tree import CommandFailedError
from turns import ChildFailedError, Plan, measure, require_equal_networks

ROOT = Path(__file__).parents[3]
PARTS = ("steps", "end_to_end", "grid")


def main() -> None:
    given = arguments().parse_args()
    given.only = given.only or (PARTS[:1] if given.quick or given.cases else PARTS)
    if set(given.only) != {"steps"} and not (given.data_dir / "FashionMNIST" / "raw").is_dir():
        sys.exit(f"no FashionMNIST/raw in '{given.data_dir}': give its folder with --data-dir")
    out = given.out.resolve()
    plan = Plan(given.rounds, given.seconds, given.environments, out / "logs")
    plan.logs.mkdir(parents=True, exist_ok=True)
    trees = {"vaerun": str(given.tree.resolve())}
    if given.against:
        trees["against"] = str(given.against.resolve())
    results: dict[str, Any] = {"machine": machine(given.tree), "settings": vars(given)}
    try:
        if "steps" in given.only:
            steps(given, plan, trees, results)
        commands = end_to_end.Commands(trees, given.data_dir.resolve(), given.settings)
        whole_commands(given, commands, replace(plan, rounds=given.repeats), results)
    except (ChildFailedError, CommandFailedError, EnvironmentFailedError) as error:
        keep(results, out)
        sys.exit(str(error))
    sys.stdout.write(keep(results, out) + f"\nKept in {out}\n")


def whole_commands(
    given: argparse.Namespace, commands: end_to_end.Commands, plan: Plan, results: dict[str, Any]
) -> None:
    """Add to the results what runs and grids used from the command to the folder."""
    if "end_to_end" in given.only:
        say("end to end")
        found = end_to_end.training(given.epochs, commands, given.threads[0], plan)
        results["end_to_end"] = found
    if "grid" in given.only:
        say("grid")
        size = (given.grid_runs, given.grid_epochs)
        label = f"{size[0]} runs of {size[1]} epochs"
        results["grid"] = {label: end_to_end.grid(*size, commands, plan)}


def keep(results: dict[str, Any], out: Path) -> str:
    """Write what has been measured so far; return its tables."""
    texts = [f"`{json.dumps(results['machine'])}`"]
    if "steps" in results:
        texts += ["## Training steps", tables.of_steps(results["steps"])]
    if "end_to_end" in results:
        text = tables.of_commands(results["end_to_end"], "epochs")
        texts += ["## From the command to its folder", text]
    if "grid" in results:
        texts += ["## A grid", tables.of_commands(results["grid"], "grid")]
    text = "\n\n".join(texts) + "\n"
    (out / "results.json").write_text(json.dumps(results, indent=1, default=str) + "\n")
    (out / "tables.md").write_text(text)
    return text


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = user_cache_path("vaerun") / "peers"
    add = parser.add_argument
    add("--only", nargs="+", choices=PARTS, help="parts that are measured; otherwise all")
    names = [case.name for case in CASES]
    add("--cases", nargs="+", choices=names, metavar="CASE", help=f"of {', '.join(names)}")
    add("--without", nargs="+", default=[], metavar="NAME", help="candidates that are left out")
    add("--quick", action="store_true", help="three cases of the steps, three short rounds")
    add("--rounds", type=int, default=5, help="turns of each candidate in a case")
    add("--seconds", type=float, default=0.5, help="length of a turn")
    add("--threads", type=int, nargs="+", default=[1, 2], help="the first also end to end")
    add("--epochs", type=int, nargs="+", default=[1, 5, 20], help="of the runs end to end")
    add("--grid-runs", type=int, default=16, help="runs of the grid")
    add("--grid-epochs", type=int, default=1, help="epochs of each")
    add("--settings", nargs="+", default=[], help="further settings of vaerun, end to end")
    add("--repeats", type=int, default=1, help="repetitions of whole commands")
    add("--data-dir", type=Path, default=ROOT / "data", help="folder with FashionMNIST/raw")
    add("--tree", type=Path, default=ROOT, help="checkout that vaerun is imported from")
    add("--against", type=Path, help="another checkout, measured beside it")
    add("--environments", type=Path, default=cache, help="where the peers are installed")
    add("--out", type=Path, default=Path("outputs/peers"), help="folder of the results")
    return parser


def steps(
    given: argparse.Namespace, plan: Plan, trees: dict[str, str], results: dict[str, Any]
) -> None:
    """Add to the results what was measured of each case, with each number of threads."""
    names = given.cases or (QUICK if given.quick else [case.name for case in CASES])
    if given.quick:
        plan = replace(plan, rounds=min(plan.rounds, 3), seconds=min(plan.seconds, 0.4))
    everyone = candidates(trees["vaerun"], trees.get("against"))
    everyone = [each for each in everyone if each.name not in given.without]
    found: list[dict[str, Any]] = results.setdefault("steps", [])
    for case in (case for case in CASES if case.name in names):
        for threads in given.threads[:1] if given.quick else given.threads:
            if threads > 1 and not given.cases and case.name not in WITH_MORE_THREADS:
                continue
            say(f"{case.name}, {threads} threads")
            chosen = {each.name: (each, case) for each in everyone if case.has(each.name)}
            measured = measure(chosen, threads, plan)
            require_equal_networks(case, measured)
            found.append(row(case, threads, measured))
            keep(results, plan.logs.parent)


def row(case: Case, threads: int, measured: dict[str, Any]) -> dict[str, Any]:
    """Return the measurements of a case as they are kept."""
    return {"name": case.name, "case": asdict(case), "threads": threads, "measured": measured}


def machine(tree: Path) -> dict[str, Any]:
    """Return what the figures depend on."""
    cpu = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in cpu.splitlines() if "model name" in line]
    revision = ["git", "-C", str(tree), "describe", "--always", "--dirty"]
    described = subprocess.run(revision, capture_output=True, text=True, check=False)
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "torch": version("torch"),
        "vaerun": described.stdout.strip() or "unknown",
        "date": time.strftime("%Y-%m-%d %H:%M"),
        **PEERS,
    }


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


if __name__ == "__main__":
    main()

"""Speed of training on a GPU: one command, ten minutes at most.

    python tests/benchmarks/gpu.py --out outputs/gpu
    python tests/benchmarks/gpu.py --device cpu --quick       # without a GPU, to see that it works

For the MLP on 28x28 images (HFVAE, batch 128) and conv64 (beta-TCVAE, batch 64): steps per second
of a plain loop, of vaerun eager, compiled, as the program chooses, and compiled with CUDA graphs;
and of packs of 16 and 64 runs, whose speed is model-steps per second: sequential runs have that of
a single one. Each is a process of its own; they take turns (``peers/turns.py``), and start and
compilation are not counted. Beside them the achieved FLOP/s and bytes/s (``peers/work.py`` says of
what) with the ceilings of the same card, and the price of the study of Locatello et al. 2019,
12,600 models of 300,000 steps each, in days of one GPU, without evaluation.

``--out`` receives ``gpu.json`` and ``gpu.md``, renewed after each network. What is not done after
``--minutes`` is left out.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "peers"))
from cases import Candidate, Case
from tables import table
from turns import HERE, Plan, environment, measure

ROOT = Path(__file__).parents[2]
CASES = (
    Case("mlp", "hfvae", 128),
    Case("conv64", "beta_tcvae", 64, size=64, images=5_000),
)
STUDY = {"models": 12_600, "steps": 300_000}
SINGLE = ("plain", "eager", "compiled", "as chosen", "CUDA graph")
SECONDS_OF_A_DAY = 86_400


class TimeUpError(Exception):
    """The minutes are over."""


def main() -> None:
    given = arguments().parse_args()
    out = given.out.resolve()
    plan = Plan(given.rounds, given.seconds, out, out / "logs")
    plan.logs.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.alarm(int(60 * given.minutes))
    cases = [replace(case, device=given.device) for case in CASES]
    if given.quick:
        cases = [replace(case, batch=8, images=200) for case in cases]
    found: dict[str, Any] = {"settings": vars(given), "cases": {}}
    try:
        found |= work(cases, given, plan)
        for case in cases:
            say(case.name)
            found["cases"][case.name] = measure(contenders(case, given), given.threads, plan)
            keep(found, out)
    except TimeUpError:
        say(f"{given.minutes} minutes are over: the rest is left out")
    signal.alarm(0)
    sys.stdout.write(keep(found, out) + f"\nKept in {out}\n")


def _time_is_up(*_: object) -> None:
    raise TimeUpError


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--device", default="cuda", help="cuda, cuda:1 or cpu")
    add("--quick", action="store_true", help="tiny batches")
    add("--packs", type=int, nargs="*", default=[16, 64], help="runs in a pack")
    add("--rounds", type=int, default=5, help="turns of each contender")
    add("--seconds", type=float, default=1.5, help="length of a turn")
    add("--minutes", type=float, default=9.0, help="time for all of it")
    add("--threads", type=int, default=0, help="threads of each process; 0: as PyTorch has it")
    add("--tree", type=Path, default=ROOT, help="checkout that vaerun is imported from")
    add("--out", type=Path, default=Path("outputs/gpu"), help="folder of the results")
    return parser


def work(cases: list[Case], given: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    """Return the ceilings of the device and what a step of each case computes and moves."""
    say("ceilings")
    command = [sys.executable, str(HERE / "work.py")]
    result = subprocess.run(
        [*command, json.dumps([asdict(case) for case in cases])],
        env=environment(given.threads, str(given.tree.resolve()), plan),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        sys.exit(f"{result.stderr}\nthe ceilings could not be measured")
    return json.loads(result.stdout.splitlines()[-1])


def contenders(case: Case, given: argparse.Namespace) -> dict[str, tuple[Candidate, Case]]:
    """Return who trains a case: one run in several ways, and packs of runs."""
    tree = str(given.tree.resolve())
    single = (
        Candidate("plain", "plain"),
        Candidate("eager", "ours", tree=tree),
        Candidate("compiled", "ours", compile="true", tree=tree),
        Candidate("as chosen", "ours", compile="auto", tree=tree),
        Candidate("CUDA graph", "reduced_overhead", tree=tree),
    )
    found = {each.name: (each, case) for each in single}
    if not given.device.startswith("cuda"):
        del found["CUDA graph"]
    for runs in given.packs:
        name = f"pack of {runs}"
        found[name] = (Candidate(name, "packed_loop", tree=tree), replace(case, runs=runs))
    return found


def keep(found: dict[str, Any], out: Path) -> str:
    """Write what has been measured so far; return the tables."""
    texts = [f"`{json.dumps(found.get('ceilings', {}))}`"]
    for name, measured in found["cases"].items():
        texts += [f"## {name}", of_case(measured, found["work"][name], found["ceilings"])]
    refused = {
        f"- {who}: {each['refused']}"
        for measured in found["cases"].values()
        for who, each in measured.items()
        if "refused" in each
    }
    texts += ["Not measured:\n" + "\n".join(sorted(refused))] if refused else []
    text = "\n\n".join(texts) + "\n"
    (out / "gpu.json").write_text(json.dumps(found, indent=1, default=str) + "\n")
    (out / "gpu.md").write_text(text)
    return text


def of_case(measured: dict[str, Any], step: dict[str, float], ceilings: dict[str, Any]) -> str:
    """Return the table of a case; ``step`` has the operations and bytes of one step of one run."""
    speeds = {
        name: _speeds(name, each["turns"]) for name, each in measured.items() if "turns" in each
    }
    eager, fastest = speeds.get("eager"), _fastest_single(speeds)
    rows: list[list[str]] = []
    for name, values in speeds.items():
        speed = statistics.median(values)
        days = STUDY["models"] * STUDY["steps"] / speed / SECONDS_OF_A_DAY
        rows.append([
            name, f"{speed:,.0f}", _ratio(values, eager), _ratio(values, fastest),
            _share(step["flop"] * speed, ceilings["float32 FLOP/s"], "TFLOP/s"),
            _share(step["bytes"] * speed, ceilings["bytes/s"], "TB/s"),
            f"{max(turn['peak_mib'] for turn in measured[name]['turns']):,.0f}", f"{days:,.1f}",
        ])  # fmt: skip
    head = ["", "model-steps/s", "÷ eager", "÷ fastest single", "float32 products", "memory"]
    return table([*head, "peak MiB", "study, GPU-days"], rows)


def _speeds(name: str, turns: list[dict[str, float]]) -> list[float]:
    runs = int(name.removeprefix("pack of ")) if name.startswith("pack of ") else 1
    return [runs * turn["steps"] / turn["wall"] for turn in turns]


def _fastest_single(speeds: dict[str, list[float]]) -> list[float] | None:
    """Return the speeds of the fastest single run of vaerun: the price of runs in sequence."""
    single = [speeds[name] for name in SINGLE[1:] if name in speeds]
    return max(single, key=statistics.median, default=None)


def _ratio(values: list[float], others: list[float] | None) -> str:
    if others is None:
        return ""
    ratios = [a / b for a, b in zip(values, others, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _share(achieved: float, ceiling: float, unit: str) -> str:
    return f"{achieved / 1e12:.3g} {unit}, {achieved / ceiling:.0%} of {ceiling / 1e12:.3g}"


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


if __name__ == "__main__":
    main()

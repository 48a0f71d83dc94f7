"""How time and memory of a training step grow with a run's size.

    python tests/benchmarks/growth.py                         # all series, some minutes
    python tests/benchmarks/growth.py --quick                 # small sizes, to see that it works
    python tests/benchmarks/growth.py --only "batch size" "image size" --out outputs/growth

Each point is a process of its own, so that its memory is its own; the points of a series take turns
(``peers/turns.py``). Time is the CPU time of a step, one thread, the median over the rounds; memory
the resident memory of the process at its peak while it trains, with PyTorch itself. HFVAE, but for
other networks: MLP 784-400-200, ten latent variables, 128 images of 28x28. ``plain`` is a
well-written loop with the estimate of all pairs, (B, B, V).

``--out`` receives ``growth.json``, ``growth.md`` and ``growth.png``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "peers"))
from cases import Candidate, Case
from tables import table
from turns import Plan, measure

ROOT = Path(__file__).parents[2]
MLP = Case("mlp", "hfvae", 128)
CONV64 = Case("conv64", "hfvae", 64, size=64, images=2_000)
CONV = Case("conv", "hfvae", 64, images=1_000)


@dataclass(frozen=True)
class Series:
    """A field of a case that grows, from a case, with its values and who trains them."""

    start: Case
    field: str
    values: tuple[int, ...]
    who: tuple[str, ...] = ("vaerun",)

    def cases(self) -> list[Case]:
        return [replace(self.start, **{self.field: value}) for value in self.values]


SERIES = {
    "batch size": Series(MLP, "batch", (64, 256, 1024, 4096), ("vaerun", "plain")),
    "latent variables": Series(MLP, "latents", (10, 32, 64, 128), ("vaerun", "plain")),
    "encodings in q(z), MLP": Series(MLP, "encodings", (128, 1024, 4096, 16384)),
    "encodings in q(z), conv64": Series(CONV64, "encodings", (64, 1024, 4096, 16384)),
    "runs in a pack": Series(MLP, "runs", (1, 4, 16), ("packed",)),
    "training images": Series(MLP, "images", (10_000, 60_000, 1_000_000)),
    "pixels of an edge": Series(CONV, "size", (32, 64, 128, 256)),
}
"""Name of what grows → its series. As many encodings as images in a batch: no memory bank."""


def main() -> None:
    given = arguments().parse_args()
    out = given.out.resolve()
    plan = Plan(given.rounds, given.seconds, out, out / "logs")
    plan.logs.mkdir(parents=True, exist_ok=True)
    found = {
        name: points(name, series, given, plan)
        for name, series in chosen(given.only, quick=given.quick).items()
    }
    text = "\n\n".join(as_table(name, rows) for name, rows in found.items() if rows)
    (out / "growth.json").write_text(json.dumps(found, indent=1) + "\n")
    (out / "growth.md").write_text(text + "\n")
    sys.path.insert(0, str(given.tree.resolve()))  # for the figure style
    from growth_figure import draw

    draw({name: rows for name, rows in found.items() if rows}, out / "growth.png")
    sys.stdout.write(f"{text}\n\nKept in {out}\n")


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=SERIES, metavar="SERIES", help=f"of {', '.join(SERIES)}")
    add("--quick", action="store_true", help="the two smallest values of each series")
    add("--rounds", type=int, default=3, help="turns of each point")
    add("--seconds", type=float, default=0.7, help="length of a turn")
    add("--compile", default="false", help="vaerun's training.compile")
    add("--tree", type=Path, default=ROOT, help="checkout that vaerun is imported from")
    add("--out", type=Path, default=Path("outputs/growth"), help="folder of the results")
    return parser


def chosen(names: list[str] | None, *, quick: bool) -> dict[str, Series]:
    """Return the series that are measured."""
    series = {name: SERIES[name] for name in names or SERIES}
    if not quick:
        return series
    return {name: replace(each, values=each.values[:2]) for name, each in series.items()}


def points(
    name: str, series: Series, given: argparse.Namespace, plan: Plan
) -> list[dict[str, Any]]:
    """Return the measured points of a series: who, the value, and its turns."""
    sys.stderr.write(f"{name}\n")
    modules = {"vaerun": "ours", "plain": "plain", "packed": "packed_loop"}
    tree = str(given.tree.resolve())
    contenders = {
        f"{who} {getattr(case, series.field)}": (
            Candidate(who, modules[who], compile=given.compile, tree=tree), case,
        )
        for who in series.who
        for case in series.cases()
    }  # fmt: skip
    found: list[dict[str, Any]] = []
    for key, measured in measure(contenders, 1, plan).items():
        candidate, case = contenders[key]
        if "refused" in measured:
            sys.stderr.write(f"  {key}: {measured['refused']}\n")
            continue
        value = getattr(case, series.field)
        found.append({"who": candidate.name, "value": value, "case": asdict(case), **measured})
    return found


def milliseconds(point: dict[str, Any]) -> list[float]:
    """Return the CPU time of a step in each turn."""
    return [1000 * turn["cpu"] / turn["steps"] for turn in point["turns"]]


def peak(point: dict[str, Any]) -> float:
    """Return the resident memory at the peak, MiB."""
    return max(turn["peak_mib"] for turn in point["turns"])


def as_table(name: str, rows: list[dict[str, Any]]) -> str:
    """Return the points of a series as a table in Markdown."""
    lines: list[list[str]] = []
    for point in rows:
        times = milliseconds(point)
        spread = f"{min(times):,.1f} to {max(times):,.1f}"
        loaded = f"{point['first']['loaded_mib']:,.0f}"
        time = f"{statistics.median(times):,.1f} ({spread})"
        lines.append([f"{point['value']:,}", point["who"], time, f"{peak(point):,.0f}", loaded])
    return table([name, "", "ms a step", "peak MiB", "MiB before the first step"], lines)


if __name__ == "__main__":
    main()

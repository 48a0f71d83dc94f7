"""What the bookkeeping of a grid costs: ``python tests/benchmarks/grid_speed.py``.

Each figure is the time for the whole grid; a figure per run that stays the same is flat.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runner.grid import GridFolder, labels_of
from runner.grid.sweep_file import read

SWEEP = """
parameters:
  dataset: {{value: digits}}
  objective: {{value: hfvae}}
  beta: {{values: [1, 2, 4, 8]}}
  gamma: {{values: [1, 4]}}
  seed: {{min: 0, max: {last}}}
"""


def seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def measure(runs: int, place: Path) -> dict[str, float]:
    """Return the seconds of each piece of work, for a grid of so many runs."""
    file = place / "large.yaml"
    file.write_text(SWEEP.format(last=runs // 8 - 1))
    words = list(read(file).runs())
    path = place / "grid"
    times = {"read the sweep file": seconds(lambda: list(read(file).runs()))}
    times["register"] = seconds(lambda: GridFolder.register(path, "large", words))
    grid = GridFolder.open(path)
    times["states, none begun"] = seconds(lambda: [grid.state(n) for n in range(len(words))])
    for number in range(len(words)):
        grid.run_path(number).mkdir()
        status = {"state": "finished", "step": 9, "steps": 9, "seconds": 1.5}
        (grid.run_path(number) / "status.json").write_text(json.dumps(status))
    times["states, all finished"] = seconds(lambda: [grid.state(n) for n in range(len(words))])
    times["start again"] = seconds(lambda: GridFolder.register(path, "large", words))
    times["tell the runs apart"] = seconds(lambda: labels_of(grid))
    return times


def main() -> None:
    sizes = (100, 1_000, 10_000)
    table = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            table[size] = measure(size, Path(place))
    lines = ["| seconds | " + " | ".join(f"{size:,} runs" for size in sizes) + " |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    for work in table[sizes[0]]:
        times = " | ".join(f"{table[size][work]:.3f}" for size in sizes)
        lines.append(f"| {work} | {times} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

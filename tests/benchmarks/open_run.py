"""How long a fresh interpreter takes to open a run, and how much memory.

    python tests/benchmarks/open_run.py RUN [TIMES]

Each row is the median of some processes (default: 5): seconds on the clock, seconds of the
processors, and the largest resident memory. ``import torch`` alone is there for comparison. None of
them reads the dataset of the run.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    "import torch": "import torch",
    "import runner": "import runner",
    "load_run": "import runner; run = runner.load_run({path!r})",
    "load_run, and its model": "import runner; run = runner.load_run({path!r}); run.model",
    "load_run, and 64 samples": "import runner; runner.load_run({path!r}).sample(64)",
}
"""What is measured → the program, as three lines of a notebook would have it."""

MEASURED = """
import json, resource, time
begun = time.perf_counter()
{program}
seconds = time.perf_counter() - begun
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def measure(program: str, times: int) -> list[float]:
    """Return the medians of seconds, seconds of the processors, and MiB."""
    text = MEASURED.format(program=program)
    command = [sys.executable, "-c", text]
    runs = [subprocess.run(command, check=True, capture_output=True) for _ in range(times)]
    rows = [json.loads(each.stdout) for each in runs]
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def main() -> None:
    """Print a row for each program."""
    path = str(Path(sys.argv[1]).resolve())
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    sys.stdout.write(f"{'':28}{'seconds':>9}{'CPU':>9}{'MiB':>9}\n")
    for name, program in PROGRAMS.items():
        seconds, processors, mebibytes = measure(program.format(path=path), times)
        sys.stdout.write(f"{name:28}{seconds:9.2f}{processors:9.2f}{mebibytes:9.0f}\n")


if __name__ == "__main__":
    main()

"""Tries random bad input on the program for some minutes, and lists what was answered badly.

    python tests/fuzz.py 10              ten minutes, one process
    python tests/fuzz.py 10 --seed 3     other cases

Prints the number of cases by kind and exit code, and each fault once, with the command that shows
it; the exit code is 1 where there was a fault.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from tests.bad_input import SMALL_RUN, Case, all_cases
from tests.end_to_end.conftest import ForkServer
from tests.end_to_end.test_fuzz import Bench


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("minutes", type=float)
    reader.add_argument("--seed", type=int, default=0)
    arguments = reader.parse_args()
    home = Path(tempfile.mkdtemp(prefix="vaerun-fuzz-"))
    (home / "server").mkdir()
    bench = Bench(ForkServer(home / "server"), home)
    answers: Counter[str] = Counter()
    faults: dict[str, str] = {}

    def try_one(case: Case) -> None:
        code, found, err = bench.answer(case)
        kind = case.story.split()[0] if case.story in {"settings", "sweep file"} else "run folder"
        answers[f"{kind}, exit code {code}"] += 1
        for fault in found:
            last = (err.strip().splitlines() or [""])[-1]
            key = re.sub(r"\d+", "9", f"{case.story}: {fault}: {last}")
            if key not in faults:
                faults[key] = repr(case.arguments)
                words = " ".join(word for word in case.arguments if word not in SMALL_RUN)
                sys.stdout.write(f"{fault}\n  {case.story}\n  {words[:300]!r}\n  {err[-500:]!r}\n")
                sys.stdout.flush()

    # A round ends by itself: Hypothesis offers no end by the clock.
    end, round_ = time.monotonic() + 60 * arguments.minutes, arguments.seed * 1000
    while time.monotonic() < end:
        round_ += 1
        rounds = settings(
            max_examples=400, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
        )  # fmt: skip
        seed(round_)(rounds(given(all_cases(bench.run))(try_one)))()
    for name, count in sorted(answers.items()):
        sys.stdout.write(f"{count:6}  {name}\n")
    sys.stdout.write(f"{answers.total():6}  cases, {len(faults)} faults\n")
    shutil.rmtree(home)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""In the parent: child processes that train the same case, one after the other, again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import Candidate, Case
from environments import EnvironmentFailedError, interpreter

HERE = Path(__file__).parent


class ChildFailedError(Exception):
    """A child has ended without an answer."""


@dataclass(frozen=True)
class Plan:
    """How long each candidate trains in a turn, how often, and where things are kept."""

    rounds: int
    seconds: float
    environments: Path
    logs: Path


class Child:
    """A process that trains a case, and the answers that it has given."""

    def __init__(self, candidate: Candidate, case: Case, threads: int, plan: Plan) -> None:
        self.name = candidate.name
        self.log = plan.logs / f"{case.label} {threads} {candidate.name}.log".replace(" ", "-")
        python = sys.executable
        if candidate.environment:
            python = str(interpreter(candidate.environment, plan.environments))
        arguments = [candidate.module, case.as_json(), str(threads), candidate.compile]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, str(HERE / "child.py"), *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=environment(threads, candidate.tree, plan), cwd=plan.logs,
            )  # fmt: skip

    def answer(self) -> dict[str, Any]:
        """Return the next answer, which may take a while.

        Raises: ChildFailedError when the process has ended.
        """
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            last = (self.log.read_text(errors="replace").strip() or "no output").splitlines()[-1]
            raise ChildFailedError(f"{self.name} has failed: {last} (see {self.log})")
        return json.loads(line)

    def train(self, steps: int) -> dict[str, Any]:
        """Let it train some steps, and return what they took."""
        assert self.process.stdin
        with suppress(BrokenPipeError):  # then there is no answer either
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        """Close its standard input, at which it ends, and do not wait for long."""
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def environment(threads: int, tree: str | None, plan: Plan) -> dict[str, str]:
    """Return the variables of a child: its threads, and the checkout it imports vaerun from.

    What vaerun remembers of this machine is kept beside the results, and forgotten with them.
    """
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)) if threads else {}
    cache = {"XDG_CACHE_HOME": str(plan.logs.parent / "cache")}
    return kept | limits | ({"PYTHONPATH": tree, **cache} if tree else {})


def measure(
    contenders: Mapping[str, tuple[Candidate, Case]], threads: int, plan: Plan
) -> dict[str, dict[str, Any]]:
    """Return what was measured of each contender, a candidate with its case, or why it was not.

    All children start together, but for those whose program tries what is faster: they have the
    machine for themselves. The first steps are not counted; a few more tell how many steps fill a
    turn. Then they take turns, each round in another order.
    """
    children: dict[str, Child] = {}
    found: dict[str, dict[str, Any]] = {name: {} for name in contenders}
    trying = [name for name, (candidate, _) in contenders.items() if candidate.compile == "auto"]
    try:
        for names in (
            [name for name in contenders if name not in trying],
            *([name] for name in trying),
        ):
            for name in names:
                with _refused(found[name]):
                    children[name] = Child(*contenders[name], threads, plan)
            for name in set(names) & set(children):
                with _refused(found[name]):
                    found[name] |= _first(children[name])
        steps: dict[str, int] = {}
        for name in [name for name in children if "turns" in found[name]]:
            with _refused(found[name]):
                steps[name] = _steps_of_a_turn(children[name], plan.seconds)
        for turn in range(plan.rounds):
            for name in _rotated([name for name in steps if "turns" in found[name]], turn):
                with _refused(found[name]):
                    found[name]["turns"].append(children[name].train(steps[name]))
    finally:
        for child in children.values():
            child.end()
    return found


@contextmanager
def _refused(found: dict[str, Any]) -> Generator[None]:
    """Note why a candidate is not measured, and go on."""
    try:
        yield
    except (ChildFailedError, EnvironmentFailedError) as error:
        found["refused"] = str(error)
        found.pop("turns", None)


def _first(child: Child) -> dict[str, Any]:
    answer = child.answer()
    return answer if "refused" in answer else {"first": answer, "turns": []}


def _steps_of_a_turn(child: Child, seconds: float) -> int:
    tried = child.train(2)
    if tried["wall"] < seconds:
        tried = child.train(5)  # which no longer warms up
    return max(1, round(seconds * tried["steps"] / tried["wall"]))


def _rotated(names: list[str], turn: int) -> list[str]:
    first = turn % max(1, len(names))
    return names[first:] + names[:first]


def require_equal_networks(case: Case, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise ChildFailedError unless all candidates train as many parameters."""
    counts = {name: each["first"]["parameters"] for name, each in found.items() if "first" in each}
    if len(set(counts.values())) > 1:
        raise ChildFailedError(f"{case.name}: the networks differ, with parameters {counts}")

"""Random bad input: a documented exit code, at most four lines, nothing changed by a refusal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.bad_input import SECRET, SMALL_RUN, Case, Place, all_cases, faults
from tests.end_to_end.conftest import ForkServer, command, environment
from tests.snapshot import snapshot

SECONDS = 40
"""How long a command may take before it is told to stop, and again before it has stopped."""

GIBIBYTES = 8
"""Address space of a command, so that an allocation of all memory fails as on a small machine."""


class Bench:
    """A finished run, and the folders in which cases are tried."""

    def __init__(self, server: ForkServer, home: Path) -> None:
        self._server, self._home = server, home
        self._variables = environment(home) | {"SECRET": SECRET, "XDG_STATE_HOME": str(home)}
        arguments = [*SMALL_RUN, "metrics=fast", "out=made"]
        arguments.remove("metrics=none")
        done = server.run(command(*arguments), home, self._variables)
        assert done.returncode == 0, done.stderr
        self.run = home / "finished"
        (home / done.stdout.strip()).rename(self.run)

    def answer(self, case: Case) -> tuple[int, list[str], str]:
        """Try a case, and return its exit code, what is wrong with it and what it said."""
        place = Place(self._home / "here", self._home / "theirs")
        for folder in (place.folder, place.outside):
            folder.mkdir()
        (place.outside / "theirs.txt").write_text("theirs")
        try:
            case.prepare(place)
            before, theirs = snapshot(place.folder), snapshot(place.outside)
            done = self._server.run(
                command(*case.arguments),
                place.folder,
                self._variables,
                seconds=SECONDS,
                gibibytes=GIBIBYTES,
            )
            after = snapshot(place.folder)
            found = faults(case, before, after, done.returncode, done.stdout, done.stderr)
            if snapshot(place.outside) != theirs:
                found.append("changed what lies outside of the folder")
            return done.returncode, found, done.stderr
        finally:
            shutil.rmtree(place.folder)
            shutil.rmtree(place.outside)


@pytest.fixture(scope="module")
def bench(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    return Bench(fork_server, tmp_path_factory.mktemp("fuzz"))


def test_bad_input_gets_one_line_and_changes_nothing(bench: Bench) -> None:
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.deferred(lambda: all_cases(bench.run)))
    def check(case: Case) -> None:
        code, found, err = bench.answer(case)
        assert not found, f"{case.story}: {case.arguments}: {code}: {found}\n{err}"

    check()

"""Run the installed command as a user would: a process of its own, in an empty folder."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import matplotlib
import pytest

Vaerun = Callable[..., subprocess.CompletedProcess[str]]

SECONDS = 300
"""How long a command may take."""


def environment(home: Path) -> dict[str, str]:
    """This process's environment without W&B keys, and with an empty home."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("WANDB_", "HYDRA_", "PYTHONSAFEPATH"))
    }
    return kept | {
        "HOME": str(home),
        "WANDB_MODE": "disabled",
        "OMP_NUM_THREADS": "1",
        "MPLCONFIGDIR": matplotlib.get_cachedir(),  # else fonts are listed again for each home
    }


def command(*arguments: str) -> list[str]:
    """The console script of the environment that runs the tests."""
    return [str(Path(sys.executable).with_name("vaerun")), *arguments]


class ForkServer:
    """A process that has imported the program and forks for every command."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._begin()

    def _begin(self) -> None:
        program = Path(__file__).with_name("fork_server.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program)],
            env=environment(self._home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # A test run in the background ignores Ctrl-C, and so would the commands.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
        self._answer(SECONDS)

    def _answer(self, seconds: float) -> int:
        """Return the number on the next line; raises TimeoutError if none comes in time."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            if not ready.select(seconds):
                raise TimeoutError
        return int(self._process.stdout.readline())

    def run(
        self,
        argv: list[str],
        cwd: Path,
        env: dict[str, str],
        *,
        seconds: float | None = None,
        gibibytes: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and return what it wrote.

        Args:
            seconds: how long it may take before SIGTERM, and again before SIGKILL; None: it fails
                after the time that every command has.
            gibibytes: its address space; None: not limited.
        """
        assert self._process.stdin is not None
        out, err = self._home / "stdout", self._home / "stderr"
        request = {
            "argv": argv,
            "cwd": str(cwd),
            "env": env,
            "stdout": str(out),
            "stderr": str(err),
            "gibibytes": gibibytes,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        pid = self._answer(SECONDS)
        code = self._wait(pid, [signal.SIGTERM, signal.SIGKILL] if seconds else [], seconds)
        if code is None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._answer(SECONDS)
            raise subprocess.TimeoutExpired(argv, SECONDS)
        texts = (path.read_text(errors="replace") for path in (out, err))
        return subprocess.CompletedProcess(argv, code, *texts)

    def _wait(self, pid: int, signals: list[signal.Signals], seconds: float | None) -> int | None:
        """Return the exit code of a command, None if it does not end in time.

        Each of ``signals`` is sent when the command has not ended after further ``seconds``.
        """
        for number in signals:
            with suppress(TimeoutError):
                return self._answer(seconds or SECONDS)
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        with suppress(TimeoutError):
            return self._answer(SECONDS)
        return None

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=SECONDS)


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """The process whose forks are the commands of the tests."""
    server = ForkServer(tmp_path_factory.mktemp("fork_server"))
    yield server
    server.close()


def in_folder(server: ForkServer, folder: Path) -> Vaerun:
    """``vaerun(…)`` in a folder."""

    def run(*arguments: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        settings = environment(folder) | variables
        kept = {name: value for name, value in settings.items() if value is not None}
        return server.run(command(*arguments), folder, kept)

    return run


@pytest.fixture
def vaerun(fork_server: ForkServer, tmp_path: Path) -> Vaerun:
    """``vaerun("dataset=digits", …)`` in an empty folder, to its end; None unsets a variable."""
    return in_folder(fork_server, tmp_path)

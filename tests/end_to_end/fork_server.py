"""Runs ``vaerun`` as a process of its own, without importing its libraries every time.

torch, scikit-learn, matplotlib and wandb take five seconds to import, and most commands of the
tests work for less than one. This program imports them once and forks for every command: the child
has its own folder, environment, standard streams and exit code, as if a shell had started it.
What is said of imports is tested in processes from scratch (``test_help.py``, ``test_wheel.py``).

A line of JSON on stdin asks for a command: ``{"argv", "cwd", "env", "stdout", "stderr",
"gibibytes"}``, where the streams are files and the last is its address space, or null. Two lines
answer: its process id, and its exit code.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import resource
import sys
import threading
from typing import Any, NoReturn

LIBRARIES = (
    "torch", "torchvision", "hydra", "matplotlib.figure", "matplotlib.backends.backend_agg",
    "sklearn.ensemble", "sklearn.linear_model", "scipy.stats", "safetensors.torch", "wandb",
)  # fmt: skip


def import_everything() -> None:
    """Import the libraries of the commands and every file of the program."""
    for name in LIBRARIES:
        importlib.import_module(name)
    import runner

    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def answer(value: int) -> None:
    """Write a line to the process that sent the request."""
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


def next_command() -> dict[str, Any] | None:
    """Return, in a child process, the command to run; None at the end of the requests."""
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            return json.loads(line)
        answer(child)
        _, status = os.waitpid(child, 0)
        answer(os.waitstatus_to_exitcode(status))
    return None


def become(command: dict[str, Any]) -> None:
    """Set the folder, environment, streams and arguments of a command."""
    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["env"])
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, path, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, command["stdout"], write),
        (2, command["stderr"], write),
    ):
        file = os.open(path, mode, 0o600)
        os.dup2(file, number)
        os.close(file)
    if command["gibibytes"] is not None:
        most = int(command["gibibytes"] * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.argv = command["argv"]


def run() -> int:
    """Run the program, and return its exit code as the interpreter would give it."""
    from runner.cli import main

    try:
        return main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1


def leave(code: int) -> NoReturn:
    """Exit as the interpreter does, but without freeing libraries, which takes two seconds."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.path.pop(0)  # this folder, from which nothing is imported
    import_everything()
    gc.freeze()  # what is imported stays shared between all children
    answer(os.getpid())
    request = next_command()
    if request is not None:
        become(request)
        leave(run())

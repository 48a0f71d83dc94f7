"""``train``: one run, from its settings to its folder."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

from rich.console import Console

from runner import progress
from runner.api.composing import trainable
from runner.api.isolation import own_environment, own_pieces, own_precision, plain_errors
from runner.api.run import Run
from runner.config import RunConfig
from runner.console.run_display import make_console
from runner.errors import InterruptedRun


def train(config: RunConfig, *, verbose: bool = False) -> Run:
    """Train and evaluate a run, and return it: ``train(compose("dataset=digits", "steps=500"))``.

    The folder is made in ``config.out``, as on the command line. Ctrl-C, or the stop button of a
    notebook, ends the training after the present step and a checkpoint: KeyboardInterrupt is raised
    then, and ``vaerun resume DIR`` goes on.

    Args:
        config: what :func:`runner.compose` returns.
        verbose: whether progress and results are shown, on stderr.

    Raises:
        UsageError: a setting makes no sense; no folder is left.
        DataError: the dataset is missing or corrupt.
        DivergedError: the loss is no longer a finite number.
        VaerunError: the run failed otherwise, for want of memory for example.
    """
    from runner.runs.train import start

    checked, path, unresolved = trainable(config)
    console = make_console() if verbose else Console(quiet=True, force_terminal=False)
    path = path.absolute()
    with (
        plain_errors(),
        own_environment(),
        own_precision(),
        own_pieces(checked),
        nullcontext() if verbose else progress.silenced(),
        _signals_passed_on(),
    ):
        start(checked, path, unresolved, console)
    return Run(path, checked.device)


@contextmanager
def _signals_passed_on() -> Generator[None]:
    """Give a signal that ended the run to the program, whose handlers are in place again.

    Ctrl-C becomes a KeyboardInterrupt by this, and SIGTERM ends the program.
    """
    try:
        yield
    except InterruptedRun as error:
        if threading.current_thread() is threading.main_thread():
            number = error.exit_code - 128
            if signal.getsignal(number) is signal.default_int_handler:
                hint = f"; {error.hint}" if error.hint else ""
                raise KeyboardInterrupt(f"{error.message}{hint}") from error
            signal.raise_signal(number)
        raise

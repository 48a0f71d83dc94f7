"""The door: argv → command; every error → one line and an exit code.

Nothing here imports torch before a run starts: ``vaerun --help`` must answer at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from runner import __version__
from runner.commands.arguments import steps_or_epochs
from runner.errors import InterruptedRun, UsageError, VaerunError

HELP = f"""\
vaerun {__version__} - train, compare and judge disentangled autoencoders

  vaerun [KEY=VALUE ...]                  train one run, judge it, leave a folder in outputs/
  vaerun -m KEY=A,B ...                   train every combination
  vaerun sweep=NAME [only=3,7-9]          train the runs of a sweep file, or what is left of them
  vaerun sweep=NAME --dry-run             what would be trained, and how long it would take
  vaerun resume DIR [KEY=VALUE ...]       go on exactly where a run or a grid stopped
  vaerun evaluate DIR ... [metrics=NAME]  score runs or whole grids of them again
  vaerun evaluate --codes FILE.npz        score codes that some other program made
  vaerun compare DIR ... [--by KEY]       runs side by side: table, figures, page (--html FILE)
  vaerun list [GROUP ...]                 what can be chosen, and every setting of it
  vaerun fetch [DATASET ...]              bring the files of datasets; alone: which there are
  vaerun sync DIR ...                     bring runs that were logged offline to W&B
  vaerun --version | --help | --cfg job   version | this page | the composed settings

choices   dataset= architecture= prior= likelihood= objective= metrics= experiment= debug=
grids     sweep= only= launcher=          where: launcher=local (a process per core), slurm, ray
weights   alpha= beta= gamma=             what they weigh is the objective's to say
training  seed= steps= epochs= batch_size= learning_rate= device= precision=
places    data_dir= out= name= wandb.mode=

examples
  vaerun objective=hfvae beta=12 gamma=4
  vaerun dataset=mnist prior=concrete_normal objective=beta_vae beta=4 epochs=20
  vaerun -m objective=beta_vae beta=1,4,12 seed=0,1,2
"""


def main() -> int:
    """Run the command line of this process and return its exit code."""
    words = sys.argv[1:]
    if {"-h", "--help"} & set(words):
        sys.stdout.write(HELP)
        return 0
    if words == ["--version"]:
        sys.stdout.write(f"vaerun {__version__}\n")
        return 0
    try:
        command = _COMMANDS.get(words[0]) if words else None
        return command(words[1:]) if command else _train(words)
    except VaerunError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _report(InterruptedRun("interrupted", None, 2))
    except OSError as error:
        place = f": '{error.filename}'" if error.filename else ""
        return _report(VaerunError(f"{error.strerror or error}{place}"))


def _resume(words: list[str]) -> int:
    folders = [word for word in words if "=" not in word]
    if len(folders) != 1:
        hint = "vaerun resume DIR [KEY=VALUE ...]"
        raise UsageError("resume takes the folder of one run, or of one grid", hint)
    path = Path(folders[0])
    settings = [word for word in words if "=" in word]
    if (path / "grid.json").is_file():
        from runner.commands.sweep import resume_grid

        return resume_grid(path, settings)
    from runner.runs.train import resume

    resume(path, steps_or_epochs(settings))
    return 0


def _evaluate(words: list[str]) -> int:
    from runner.commands.evaluate import evaluate

    return evaluate(words)


def _compare(words: list[str]) -> int:
    from runner.commands.compare import compare

    compare(words)
    return 0


def _list(words: list[str]) -> int:
    from runner.commands.list import show

    show(words)
    return 0


def _fetch(words: list[str]) -> int:
    from runner.commands.fetch import fetch

    fetch(words)
    return 0


def _sync(words: list[str]) -> int:
    from runner.commands.sync import sync

    return sync(words)


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "resume": _resume,
    "evaluate": _evaluate,
    "compare": _compare,
    "list": _list,
    "fetch": _fetch,
    "sync": _sync,
}
"""What the first word may be, beside a setting; each name stands in ``words.COMMANDS`` too."""


def _train(words: list[str]) -> int:
    """Train one run, or a grid of them."""
    from runner.commands.arguments import split

    read = split(words)
    asked = {word.partition("=")[0] for word in words}
    if asked & {"-m", "--multirun", "sweep", "only", "launcher", "--dry-run"} and not (
        asked & {"--cfg", "-c", "--info", "-i", "-sc", "--shell-completion"}
    ):
        from runner.commands.sweep import sweep

        return sweep(read)
    from runner.commands.train import train

    train(read)
    return 0


def _report(error: VaerunError) -> int:
    """Print an error on one line, its remedy on the next, and return its exit code."""
    from runner.console.run_display import make_console, print_error

    print_error(make_console(), error.message, error.hint)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

"""The command line: arguments → command; every error → one line and an exit code.

Nothing here imports torch before a run starts: ``vaerun --help`` must answer at once.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` lets modules of the current folder stand in for Python's own.
    del sys.path[0]

import importlib
import os
import traceback

from runner import __version__, memory
from runner.commands.arguments import read
from runner.commands.manual import MANUAL
from runner.console.streams import lost_output, make_unfailing
from runner.errors import InterruptedRun, VaerunError, of_the_system
from runner.store.subprocesses import import_safely


def main() -> int:
    """Run the command line of this process and return its exit code."""
    import_safely()
    make_unfailing()
    code = _carried_out()
    if (error := lost_output()) and code == 0:
        return _report(VaerunError(f"standard output: {error.strerror}"))
    return code


def _carried_out() -> int:
    try:
        return _run(sys.argv[1:])
    except VaerunError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _report(InterruptedRun("interrupted", None, 2))
    except Exception as error:
        if (too_little := memory.failure(error)) is not None:
            return _report(too_little)
        if not isinstance(error, OSError):
            raise
        return _report(of_the_system(error))


def _run(arguments: list[str]) -> int:
    """Find the command that the first argument names, or else training, and carry it out."""
    named = (" ".join(arguments[:2]), arguments[0] if arguments else "")
    name = next((each for each in named if each in MANUAL), "")
    command, others = MANUAL[name], arguments[len(name.split()) :]
    if {"-h", "--help"} & set(others):
        from runner.commands.help import overview, page

        sys.stdout.write(page(command) if name else overview(command))
        return 0
    if arguments == ["--version"]:
        sys.stdout.write(f"vaerun {__version__}\n")
        return 0
    module = importlib.import_module(f"runner.commands.{name.replace(' ', '_') or 'train'}")
    code: int = module.run(read(command, others))
    return code


def _report(error: VaerunError) -> int:
    """Print an error on one line, its remedy on the next, and return its exit code."""
    from runner.console.run_display import make_console, print_error

    if os.environ.get("HYDRA_FULL_ERROR"):
        traceback.print_exception(error)
    print_error(make_console(), error.message, error.hint)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

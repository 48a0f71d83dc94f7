"""The door: argv → command; every error → one line and an exit code.

Nothing here imports torch before a run starts: ``vaerun --help`` must answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from runner import __version__
from runner.errors import InterruptedRun, UsageError, VaerunError, nearest

if TYPE_CHECKING:
    from omegaconf import DictConfig

HELP = f"""\
vaerun {__version__} - train, compare and judge disentangled autoencoders

  vaerun [KEY=VALUE ...]                  train one run, judge it, leave a folder in outputs/
  vaerun -m KEY=A,B ...                   train every combination
  vaerun sweep=NAME                       train the runs of a sweep file
  vaerun resume RUN_DIR [KEY=VALUE ...]   go on exactly where a run stopped
  vaerun evaluate DIR ... [metrics=NAME]  score runs or whole grids of them again
  vaerun evaluate --codes FILE.npz        score codes that some other program made
  vaerun list [GROUP ...]                 what can be chosen, and every setting of it
  vaerun fetch [DATASET ...]              bring the files of datasets; alone: which there are
  vaerun --version | --help | --cfg job   version | this page | the composed settings

choices   dataset= architecture= prior= likelihood= objective= metrics= experiment= debug=
weights   alpha= beta= gamma=             what they weigh is the objective's to say
training  seed= steps= epochs= batch_size= learning_rate= device= precision=
places    data_dir= out= name= wandb.mode=

examples
  vaerun objective=hfvae beta=12 gamma=4
  vaerun dataset=mnist prior=concrete_normal objective=beta_vae beta=4 epochs=20
  vaerun -m objective=beta_vae beta=1,4,12 seed=0,1,2
"""

_COMMANDS = ("resume", "evaluate", "list", "fetch")
_NO_CHOICE = ("experiment=null", "debug=null", "sweep=null")
"""What conf/config.yaml says already, in words that Hydra does not take."""

_FLAGS_WITH_VALUE = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn",
                     "--cfg", "-c", "--package", "-p", "--info", "-i",
                     "--experimental-rerun")  # fmt: skip


class _Stop(BaseException):
    """Carries an interruption past Hydra, which holds on to any Exception, and ends a multirun."""

    def __init__(self, error: InterruptedRun) -> None:
        super().__init__(error.message)
        self.error = error


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
        return _dispatch(words)
    except VaerunError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _report(InterruptedRun("interrupted", None, 2))
    except OSError as error:
        return _report(_from_system(error))


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["list"]:
        from runner.listing import show

        show(words[1:])
        return 0
    if words[:1] == ["evaluate"]:
        from runner.evaluate import evaluate

        return evaluate(words[1:])
    if words[:1] == ["fetch"]:
        from runner.fetch import fetch

        fetch(words[1:])
        return 0
    if words[:1] == ["resume"]:
        return _resume(words[1:])
    return _train(words)


def _resume(words: list[str]) -> int:
    folders = [word for word in words if "=" not in word]
    if len(folders) != 1:
        raise UsageError("resume takes one run folder", "vaerun resume RUN_DIR [KEY=VALUE ...]")
    from runner.run import resume

    overrides = [word for word in words if "=" in word]
    resume(Path(folders[0]), _steps_or_epochs(overrides))
    return 0


def _train(words: list[str]) -> int:
    """Hand the words to Hydra, which composes the settings and calls :func:`_job`."""
    from hydra import main as hydra_main
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from runner import config, sweep
    from runner.explain import explain

    overrides = _overrides(words)
    flags = [word for word in words if word not in overrides and word not in _NO_CHOICE]
    overrides = [config.freed(word) for word in _steps_or_epochs(overrides)]
    config.register()
    chosen = [word.removeprefix("sweep=") for word in overrides if word.startswith("sweep=")]
    sweep.register(chosen, config.data_root() / "sweeps", Path("sweeps"))
    conf = str(config.data_root() / "conf")
    codes: list[int] = []
    shown = os.environ.get("HYDRA_FULL_ERROR")
    try:
        if set(flags) <= {"-m", "--multirun"} and not chosen:
            _preflight(conf, overrides)
        sys.argv = [sys.argv[0], *flags, *overrides]  # Hydra takes flags before overrides only
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises, instead of printing and exiting
        hydra_main(version_base="1.3", config_path=conf, config_name="config")(_job(codes, shown))()
    except _Stop as stop:
        raise stop.error from stop
    except (HydraException, OmegaConfBaseException) as error:
        if shown:
            raise
        raise explain(error, conf, overrides) from error
    except ValueError as error:  # objective=null and its like
        if "Config group override" not in str(error):
            raise
        empty = next((word for word in overrides if word.endswith("=null")), "a choice")
        raise UsageError(f"{empty}: there must be one", "vaerun list shows the choices") from error
    except OSError as error:  # a run's own are caught by its job: this one is about its folder
        message = f"cannot write to '{error.filename}': {error.strerror}"
        raise UsageError(message, "choose another folder with out=…") from error
    finally:
        _restore("HYDRA_FULL_ERROR", shown)
    failures = [code for code in codes if code]
    return 0 if not failures else failures[0] if len(codes) == 1 else 1


def _overrides(words: list[str]) -> list[str]:
    """Return the words that are settings.

    Raises: UsageError for a word that is neither a setting nor a flag of Hydra's.
    """
    overrides: list[str] = []
    previous = ""
    for word in words:
        is_value = previous in _FLAGS_WITH_VALUE
        previous = word
        if is_value or word.startswith("-"):
            continue
        if word.startswith("~"):
            raise UsageError(f"cannot read '{word}': a setting is given a value, not taken away")
        if word.startswith("=") or "=" not in word:
            commands = nearest(word, _COMMANDS)
            raise UsageError(
                f"cannot read '{word}': a setting is written key=value",
                commands
                or f"commands: {', '.join(_COMMANDS)}; vaerun --help shows how to use them",
            )
        if word not in _NO_CHOICE:
            overrides.append(word)
    return overrides


def _steps_or_epochs(overrides: list[str]) -> list[str]:
    """Let ``steps=`` on the command line win over epochs that an experiment sets.

    Raises: UsageError when both are given.
    """
    keys = {word.partition("=")[0].lstrip("+") for word in overrides}
    if "steps" not in keys:
        return overrides
    if "epochs" in keys:
        raise UsageError("give steps or epochs, not both")
    return [*overrides, "epochs=null"]


def _one_by_one(overrides: list[str]) -> list[list[str]]:
    """Return settings in which every value of every key occurs once, beside the others' first.

    So a value that no run can use is refused before the first run of many has trained.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    values: list[list[str]] = []
    for override in OverridesParser.create().parse_overrides(overrides):
        many = override.is_sweep_override() and override.is_discrete_sweep()
        key = str(override.input_line).partition("=")[0]
        given = [f"{key}={value}" for value in override.sweep_string_iterator()] if many else []
        values.append(given or [str(override.input_line)])
    first = [words[0] for words in values]
    others = [
        [*first[:place], word, *first[place + 1 :]]
        for place, words in enumerate(values)
        for word in words[1:]
    ]
    return [first, *others]


def _preflight(conf: str, overrides: list[str]) -> None:
    """Refuse wrong settings before a run folder is made, and name weights that do nothing."""
    from hydra import compose, initialize_config_dir

    notes: dict[str, None] = {}  # in order, each once
    with initialize_config_dir(conf, version_base="1.3"):
        for words in _one_by_one(overrides):
            notes |= dict.fromkeys(_check(compose("config", words), words))
    for note in notes:
        sys.stderr.write(f"note: {note}\n")


def _check(composed: DictConfig, overrides: list[str]) -> Iterator[str]:
    """Yield what the user should know about settings that are valid."""
    from omegaconf import OmegaConf

    from runner import config

    name = config.parse(composed).objective.name
    objective = OmegaConf.to_yaml(composed.objective)
    for knob in ("alpha", "beta", "gamma"):
        if any(w.startswith(f"{knob}=") for w in overrides) and f"${{{knob}}}" not in objective:
            yield f"{knob} has no effect with objective={name}"


def _job(codes: list[int], shown: str | None) -> Callable[..., None]:
    """Return what Hydra calls for each job: a failed one is reported and the others go on."""

    def vaerun(composed: object) -> None:
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import DictConfig

        from runner import config

        _restore("HYDRA_FULL_ERROR", shown)
        if not isinstance(composed, DictConfig):
            raise TypeError("Hydra hands over a DictConfig")
        try:
            settings = config.parse(composed)
            from runner.run import start

            start(settings, Path(HydraConfig.get().runtime.output_dir))
        except InterruptedRun as error:
            raise _Stop(error) from error
        except VaerunError as error:
            codes.append(_report(error))
        except OSError as error:
            codes.append(_report(_from_system(error)))
        else:
            codes.append(0)

    return vaerun


def _from_system(error: OSError) -> VaerunError:
    place = f": '{error.filename}'" if error.filename else ""
    return VaerunError(f"{error.strerror or error}{place}")


def _restore(variable: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


def _report(error: VaerunError) -> int:
    """Print an error on one line, its remedy on the next, and return its exit code."""
    from runner.tracking import make_console, print_error

    print_error(make_console(), error.message, error.hint)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

"""``vaerun [KEY=VALUE ...]``: one run, composed by Hydra, whose flags all work."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from runner import config
from runner.commands.arguments import Words, steps_or_epochs
from runner.config.composition import compose, conf, unused_weights
from runner.config.hydra_errors import explain
from runner.errors import UsageError, VaerunError
from runner.grid.sweep_file import offer


class _Out(BaseException):
    """Carries the end of a run past Hydra, which turns any Exception into its own words."""

    def __init__(self, error: VaerunError | OSError) -> None:
        super().__init__(str(error))
        self.error = error


def train(words: Words) -> None:
    """Hand the words to Hydra, which composes the settings, makes the folder and calls the run.

    Raises: VaerunError for settings that are wrong, or for a run that failed.
    """
    from hydra import main as hydra_main
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    settings = [config.allow_new_key(word) for word in steps_or_epochs(words.settings)]
    config.register()
    offer()
    shown = os.environ.get("HYDRA_FULL_ERROR")
    try:
        if not words.flags:
            _preflight(settings)
        sys.argv = [sys.argv[0], *words.flags, *settings]  # Hydra takes flags before overrides only
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises, instead of printing and exiting
        hydra_main(version_base="1.3", config_path=conf(), config_name="config")(_job(shown))()
    except _Out as out:
        raise out.error from out
    except (HydraException, OmegaConfBaseException) as error:
        if shown:
            raise
        raise explain(error, conf(), settings) from error
    except ValueError as error:  # objective=null and its like
        if "Config group override" not in str(error):
            raise
        empty = next((word for word in settings if word.endswith("=null")), "a choice")
        raise UsageError(f"{empty}: there must be one", "vaerun list shows the choices") from error
    except OSError as error:  # a run's own come by _Out: this one is about its folder
        message = f"cannot write to '{error.filename}': {error.strerror}"
        raise UsageError(message, "choose another folder with out=…") from error
    finally:
        _restore("HYDRA_FULL_ERROR", shown)


def _preflight(settings: list[str]) -> None:
    """Refuse wrong settings before a run folder is made, and name weights that do nothing."""
    composed = compose(settings)
    config.parse(composed)
    for note in unused_weights(composed, settings):
        sys.stderr.write(f"note: {note}\n")


def _job(shown: str | None) -> Callable[..., None]:
    """Return what Hydra calls with the composed settings."""

    def vaerun(composed: object) -> None:
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import DictConfig

        _restore("HYDRA_FULL_ERROR", shown)
        if not isinstance(composed, DictConfig):
            raise TypeError("Hydra hands over a DictConfig")
        try:
            settings = config.parse(composed)
            from runner.runs.train import start

            start(settings, Path(HydraConfig.get().runtime.output_dir))
        except (VaerunError, OSError) as error:
            raise _Out(error) from error

    return vaerun


def _restore(variable: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value

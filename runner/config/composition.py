"""From the words of a command line to the settings of a run, whatever is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runner import config
from runner.config import WEIGHT_NAMES, RunConfig
from runner.config.hydra_errors import explain

if TYPE_CHECKING:
    from omegaconf import DictConfig


def conf() -> str:
    """Return the folder of the YAML that is composed."""
    return str(config.data_root() / "conf")


def compose_run(words: Sequence[str]) -> RunConfig:
    """Return the settings that the words of a command line choose.

    Raises: UsageError for what cannot be composed, or makes no sense.
    """
    return config.parse(compose(words))


def compose(words: Sequence[str], *, hydra_too: bool = False) -> DictConfig:
    """Return the composed settings, untyped; with Hydra's own, if they are wanted.

    Raises: UsageError for what cannot be composed.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    config.register()
    try:
        with hydra.initialize_config_dir(conf(), version_base="1.3"):
            return hydra.compose("config", list(words), return_hydra_config=hydra_too)
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error, conf(), list(words)) from error


def unused_weights(composed: DictConfig, words: Sequence[str]) -> Iterator[str]:
    """Yield a note on each weight among the words that does nothing with its objective."""
    from omegaconf import OmegaConf

    objective = OmegaConf.to_yaml(composed.objective)
    for hyperparameter in WEIGHT_NAMES:
        given = any(word.startswith(f"{hyperparameter}=") for word in words)
        if given and f"${{{hyperparameter}}}" not in objective:
            yield f"{hyperparameter} has no effect with objective={composed.objective.name}"

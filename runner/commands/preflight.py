"""Checks, before anything is written, of the settings of a grid's runs, and of this machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager

from runner.commands.arguments import Arguments
from runner.commands.overrides import print_notes
from runner.config import LauncherConfig, LocalLauncherConfig, RunConfig
from runner.config.composition import compose
from runner.config.dataset_schema import DATASET_CHOICES
from runner.config.plugin_setting import KEY as PLUGINS
from runner.config.plugin_use import given_plugins, use
from runner.errors import UsageError
from runner.grid import GridFolder
from runner.grid.sweep_file import Block

_ANYWHERE = ("auto", "cpu")

WITHOUT_PUBLISHED_FILES = (
    "digits", "fashion_mnist", "mnist", "pinwheel", "sprites", *DATASET_CHOICES,
)  # fmt: skip
"""Datasets of which nothing is to be fetched beforehand. Of others one asks
:func:`runner.dataset.require_files`, which takes the two seconds of importing torch."""


def preflight(blocks: Iterable[Block], common: list[str]) -> list[RunConfig]:
    """Refuse what no run can use, print notes, and return settings with each of the values."""
    found: list[RunConfig] = []
    notes: list[str] = []
    for block in blocks:
        for overrides in block.each_value():
            with _naming_the_file_of(block):
                composition = compose([*overrides, *common])
                found.append(composition.parse())
            notes += composition.notes
    print_notes(tuple(notes))
    return found


@contextmanager
def _naming_the_file_of(block: Block) -> Generator[None]:
    """Put the sweep file in front of an error about one of its parameters."""
    try:
        yield
    except UsageError as error:
        words = set(re.findall(r"[\w.]+", error.message))
        if block.file is None or not words & block.from_file:
            raise
        raise UsageError(f"{block.file}: {error.message}", error.hint) from error


def require_here(launcher: LauncherConfig, runs: Iterable[RunConfig]) -> None:
    """Refuse a device, a tracker or a dataset that this machine lacks, where the launcher uses it.

    Of runs that differ in these, some may be possible: each says by itself that it is not.

    Raises: UsageError, or DataError for a dataset.
    """
    runs = list(runs)
    if isinstance(launcher, LocalLauncherConfig):
        _require_starting_points(runs)
        _require_reference(runs)
    by_place = {
        repr((c.device, c.wandb.mode, c.tracking.to, c.dataset, c.data_dir)): c for c in runs
    }
    if not isinstance(launcher, LocalLauncherConfig) or len(by_place) != 1:
        return
    (config,) = by_place.values()
    require_device(config.device)
    require_trackers(config.tracking.to, config.wandb.mode)
    _require_data(config)


def _require_starting_points(runs: Iterable[RunConfig]) -> None:
    """Raise UsageError where a run that another is to start from is not there."""
    if any(config.init_from for config in runs):
        from runner.runs.init_from import require_starting_point

        for config in {(c.init_from, c.init.checkpoint): c for c in runs}.values():
            require_starting_point(config)


def _require_reference(runs: Iterable[RunConfig]) -> None:
    """Raise DataError where the texts that all runs look for words in are not there."""
    wanted = [config.metrics.topic_coherence for config in runs]
    paths = {None if metric is None else metric.reference for metric in wanted}
    if len(paths) == 1 and (path := paths.pop()) is not None:
        from runner.dataset.text.reference import require_reference  # this imports torch

        require_reference(path, ())


def require_places(launcher: LauncherConfig, places: Sequence[str]) -> None:
    """Refuse a device or trackers, given to go on with a grid, that this machine lacks."""
    if isinstance(launcher, LocalLauncherConfig):
        require_device(given_place(places, "device", "auto"))
        chosen = re.findall(r"\w+", given_place(places, "tracking.to", "wandb"))
        require_trackers(chosen, given_place(places, "wandb.mode", ""))


def given_place(places: Sequence[str], key: str, usual: str) -> str:
    """Return the value of a setting that says where runs are carried out."""
    given = [place.partition("=")[2] for place in places if place.startswith(f"{key}=")]
    return given[0] if given else usual


def require_own(folder: GridFolder, arguments: Arguments) -> None:
    """Refuse to go on with a grid that is not known as this user's, unless it is trusted.

    Raises: UsageError.
    """
    if "--trust" in arguments.flags:
        folder.adopt()
    elif not folder.is_own:
        where = f"'{folder.path}' is not known as yours"
        message = f"{where}: its runs say where they log and find their data"
        raise UsageError(message, "--trust goes on with it all the same")


def use_plugins_of_grid(runs: Iterable[Sequence[str]]) -> None:
    """Load the own pieces that the runs of a grid name.

    Raises: UsageError where a file is missing or not as it was.
    """
    for given in dict.fromkeys(o for run in runs for o in run if o.startswith(f"{PLUGINS}=")):
        use(given_plugins([given]))


def require_device(name: str) -> None:
    """Raise UsageError where this machine lacks a device."""
    if name not in _ANYWHERE:
        from runner.training import choose_device  # this imports torch

        choose_device(name)


def require_trackers(chosen: Collection[str], mode: str) -> None:
    """Raise UsageError where the library of a tracker is missing, or W&B cannot be reached.

    ``chosen`` are the trackers, ``mode`` is that of W&B.
    """
    if "tensorboard" in chosen:
        from runner.tracking.event_file import require_tensorboard

        require_tensorboard()
    if "wandb" in chosen and mode == "online":
        from runner.tracking.mode import resolve_mode  # this imports wandb

        resolve_mode(mode)


def _require_data(config: RunConfig) -> None:
    if config.dataset.name in WITHOUT_PUBLISHED_FILES:
        return
    from runner.dataset import require_files  # this imports torch

    require_files(config.dataset, config.data_dir)

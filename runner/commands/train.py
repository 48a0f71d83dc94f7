"""``vaerun [KEY=VALUE ...]``: one run, a grid of them, or what their settings would be."""

from __future__ import annotations

from runner.commands.arguments import Arguments
from runner.commands.manual import TRAIN
from runner.commands.overrides import (
    check_grid_name,
    print_notes,
    refuse_code,
    searched,
    steps_or_epochs,
    without_null_choices,
)
from runner.config import flat_keys
from runner.config.composition import Composition, adapt, compose, hydra_session
from runner.config.plugin_use import with_plugins
from runner.config.written import of_command_line
from runner.errors import UsageError, nearest

_OF_GRIDS = ("sweep", "only", "launcher", "search")


def run(arguments: Arguments) -> int:
    """Train, or print what is asked for in place of training; return the exit code.

    Raises: VaerunError for arguments that cannot be carried out, or for a run that failed.
    """
    for option in TRAIN.options:
        if option.refused and option.name in arguments.flags:
            raise UsageError(f"{option.name} has no use here", option.refused)
    if "--shell-completion" in arguments.flags:
        from runner.commands.completion import complete

        return complete(arguments)
    given = of_command_line(arguments.overrides, one_run=not _is_grid(arguments))
    refuse_code(given)
    check_grid_name(given)
    overrides = [*searched(arguments), *without_null_choices(given)]
    if not _is_grid(arguments):  # those of a grid may be crossed
        overrides = with_plugins(overrides)
    if {"--cfg", "--info"} & arguments.flags.keys():
        return _show(arguments, overrides)
    if alone := {"--package", "--resolve"} & arguments.flags.keys():
        raise UsageError(f"{min(alone)} is used with --cfg", f"vaerun --cfg job {min(alone)} …")
    if _is_grid(arguments):
        from runner.commands.sweep import sweep

        return sweep(arguments, overrides)
    _train(compose(steps_or_epochs(overrides)))
    return 0


def _is_grid(arguments: Arguments) -> bool:
    keys = {override.partition("=")[0] for override in arguments.overrides}
    by_key = any(key in _OF_GRIDS or key.startswith(("launcher.", "search.")) for key in keys)
    return by_key or bool({"--multirun", "--dry-run"} & arguments.flags.keys())


def _train(composition: Composition) -> None:
    """Refuse wrong settings before a folder is made, then train."""
    settings = composition.parse()
    print_notes(composition.notes)
    path = composition.run_folder()
    from runner.runs.train import start

    start(settings, path, composition.to_yaml())


def _show(arguments: Arguments, overrides: list[str]) -> int:
    """Print the composed settings, or how Hydra finds them."""
    package, kind = arguments.text("--package"), arguments.text("--cfg")
    overrides = [o for o in steps_or_epochs(overrides) if not o.startswith("sweep=")]
    if package is not None:
        _require_package(package, overrides)
    adapted = adapt(overrides)
    print_notes(adapted.notes)
    with hydra_session(adapted.overrides) as hydra:
        if kind is None:
            hydra.show_info(arguments.text("--info"), "config", adapted.overrides)
        else:
            resolve = "--resolve" in arguments.flags
            hydra.show_cfg("config", adapted.overrides, kind, package, resolve)
    return 0


def _require_package(package: str, overrides: list[str]) -> None:
    from omegaconf import OmegaConf

    composition = compose(overrides)
    if package != "_global_" and OmegaConf.select(composition.whole, package) is None:
        hint = nearest(package, flat_keys(composition.settings))
        raise UsageError(f"--package: there is no section '{package}'", hint)

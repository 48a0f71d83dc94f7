"""The plugins of a run are loaded before anything is composed or restored, and recorded.

Where a run is started, its overrides name them; ``config.yaml`` and ``grid.json`` have each with
its digest, by which it is known again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import yaml

from runner.config.data_root import data_root
from runner.config.grammar import parsed_value, quoted
from runner.config.override import searched_folders
from runner.config.own_pieces import check, own_folders
from runner.config.plugin_setting import KEY, Record, entries_of, is_file, record_of, short_name
from runner.config.registration import own_pieces_changed
from runner.config.yaml_file import read_settings_file
from runner.config.yaml_text import reason, refuse_unusual
from runner.errors import UsageError
from runner.plugins import Plugin, activate, active, load_file, load_installed

_SEARCH_PATH = "hydra.searchpath"
_OF_WHOLE_RUNS = ("experiment", "debug")
"""Groups whose YAML may name plugins."""


def use(entries: Sequence[object]) -> list[Record]:
    """Load plugins, let settings have their pieces and no others', and return their records.

    Raises: UsageError for what is no plugin, or is not as it was recorded.
    """
    plugins = list(dict.fromkeys(map(_loaded, entries)))
    for plugin in plugins:
        check(plugin)
    _activate(plugins)
    return [plugin.record() for plugin in plugins]


def _loaded(entry: object) -> Plugin:
    if isinstance(entry, str):
        return load_file(Path(entry).expanduser()) if is_file(entry) else load_installed(entry)
    record = record_of(KEY, entry)
    if "path" in record:
        return load_file(Path(record["path"]), record.get("sha256"))
    return load_installed(record["name"], record.get("version"))


def _activate(plugins: Sequence[Plugin]) -> None:
    if list(active()) != list(plugins):
        activate(plugins)
        own_pieces_changed()


@contextmanager
def unchanged() -> Generator[None]:
    """Let settings have the pieces afterwards that they had before, whatever is composed within."""
    before = active()
    try:
        yield
    finally:
        _activate(before)


def with_plugins(overrides: Sequence[str]) -> list[str]:
    """Return overrides with their plugins recorded, after these are loaded.

    The folders ``conf`` beside them are searched for YAML too. Where the overrides name none, those
    of an own experiment or of ``conf/local/default.yaml`` are taken.

    Raises: UsageError as :func:`use`.
    """
    others = [o for o in overrides if _key(o) != KEY]
    given = [o for o in overrides if _key(o) == KEY]
    entries = given_plugins(given) if given else _of_yaml(others)
    records = use(entries)
    named = [written(records)] if records else []
    return _searching([*others, *named], own_folders())


def given_plugins(overrides: Sequence[str]) -> list[object]:
    """Return the entries of the last ``plugins=[…]`` among overrides, as they are given.

    Raises: UsageError for what cannot be read.
    """
    last = next((o for o in reversed(overrides) if _key(o) == KEY), None)
    if last is None:
        return []
    return [_unescaped(e) for e in entries_of(parsed_value(last, KEY, last.partition("=")[2]))]


def _unescaped(entry: object) -> object:
    """Return what :func:`written` has recorded as it was, with its dollar signs not escaped."""
    if not isinstance(entry, Mapping):
        return entry
    record = cast("Mapping[str, object]", entry).items()
    return {key: v.replace("\\${", "${") if isinstance(v, str) else v for key, v in record}


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+")


def written(records: Sequence[Record]) -> str:
    """Return plugins as the override that names them, digests and all."""
    entries = (
        ",".join(f"{key}:{quoted(text.replace('${', chr(92) + '${'))}" for key, text in r.items())
        for r in records
    )
    return f"{KEY}=[{','.join(f'{{{entry}}}' for entry in entries)}]"


def _searching(overrides: list[str], folders: Sequence[Path]) -> list[str]:
    """Return overrides by which Hydra searches further folders, after those that it does."""
    if not folders:
        return overrides
    before = [o for o in overrides if _key(o) == _SEARCH_PATH]
    known = searched_folders(before[-1]) if before else []
    every = list(dict.fromkeys([*known, *folders]))
    return [search_path(every), *(o for o in overrides if _key(o) != _SEARCH_PATH)]


def search_path(folders: Sequence[Path]) -> str:
    """Return the override that makes Hydra search folders of own YAML beside ``conf/``."""
    places = (str(folder).replace("${", "\\${") for folder in folders)
    return f"{_SEARCH_PATH}=[" + ",".join(quoted(f"file://{place}") for place in places) + "]"


def _of_yaml(overrides: Sequence[str]) -> list[object]:
    """Return the plugins that the user's own YAML of a whole run names: the last file decides."""
    folders = [data_root() / "conf"]
    for override in overrides:
        if _key(override) == _SEARCH_PATH:
            folders += searched_folders(override)
    chosen = {_key(o): o.partition("=")[2] for o in overrides if _key(o) in _OF_WHOLE_RUNS}
    found: list[object] = []
    for path in _files(folders, [*chosen.items(), ("local", "default")]):
        content = read_settings_file(path)
        if KEY in content:
            try:
                found = entries_of(content[KEY])
            except UsageError as error:
                raise UsageError(f"'{path}': {error.message}", error.hint) from error
    return found


def _files(folders: Sequence[Path], chosen: Sequence[tuple[str, str]]) -> Iterator[Path]:
    for group, name in chosen:
        if name.isprintable() and "/" not in name:
            files = (folder / group / f"{name}.yaml" for folder in folders)
            yield from [path for path in files if path.is_file()][:1]


def recorded_in(yaml_text: str) -> list[Record]:
    """Return the plugins that a ``config.yaml`` names; it is read as data, and nothing is loaded.

    Raises: UsageError where the text is not that of settings.
    """
    refuse_unusual(yaml_text, "config.yaml")
    try:
        tree: object = yaml.safe_load(yaml_text)
    except (yaml.YAMLError, ValueError) as error:
        why = reason(error) if isinstance(error, yaml.YAMLError) else str(error)
        raise UsageError(f"config.yaml is not YAML: {why}") from error
    found = cast("Mapping[str, Any]", tree).get(KEY) if isinstance(tree, Mapping) else None
    return [record_of(KEY, entry) for entry in entries_of(found)]


def restored(
    yaml_text: str, overrides: Sequence[str], allow: Callable[[Sequence[Record]], None]
) -> list[str]:
    """Return the overrides of a run that goes on, after its plugins are loaded.

    A plugin that is given replaces the recorded one of its name, or of its content; others that are
    given are added.
    ``allow`` refuses recorded ones that must not be loaded.

    Raises: UsageError as :func:`use`, and of ``allow``.
    """
    given = [_loaded(entry).record() for entry in given_plugins(overrides)]
    named = {short_name(record) for record in given}
    same = {record.get("sha256") for record in given} - {None}
    kept = [
        record
        for record in recorded_in(yaml_text)
        if short_name(record) not in named and record.get("sha256") not in same
    ]
    if kept:
        allow(kept)
    records = use([*kept, *given])
    others = [o for o in overrides if _key(o) != KEY]
    return [*others, written(records)] if given else others

"""``vaerun list``: what can be chosen and what settings mean, read from the YAML's comments."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.list_plugins import print_plugins
from runner.commands.manual import LIST
from runner.config.descriptions import (
    LISTED_GROUPS,
    TOP_LEVEL,
    Choice,
    Setting,
    choices,
    names,
    read_choice,
    settings_of_choice,
    shared_settings,
    within,
)
from runner.config.plugin_use import with_plugins
from runner.console.safe_console import SafeConsole
from runner.errors import UsageError, nearest
from runner.plugins import active

__all__ = ["choices", "read_choice", "run"]

_DEFAULT_WIDTH = 18


def run(arguments: Arguments) -> int:
    """Print the groups and their choices, or explain groups, sections and single settings.

    Raises: UsageError for a name that is none of them.
    """
    with_plugins([o for o in arguments.overrides if o.startswith("plugins=")])
    others = [o for o in arguments.overrides if not o.startswith("plugins=")]
    chosen = [_choice(override) for override in others]
    for name in arguments.operands:
        if not (name in LISTED_GROUPS or _explained(name) or _explained_by_choices(name)):
            hint = nearest(name, names()) or f"groups: {', '.join(LISTED_GROUPS)}"
            raise UsageError(f"there is no group, section or setting '{name}'", hint)
    console = SafeConsole(markup=False)
    if not others and not arguments.operands:
        _print_overview(console)
    for group, choice in chosen:
        _print_choice(console, group, choice)
    for name in arguments.operands:
        _print_explanation(console, name)
    return 0


def _choice(override: str) -> tuple[str, Choice]:
    """Return the group and the choice that ``objective=hfvae`` names.

    Raises: UsageError for what is not a choice of a group.
    """
    group, _, name = override.partition("=")
    if group not in LISTED_GROUPS:
        message = f"list takes names and choices, not settings such as '{override}'"
        raise UsageError(message, nearest(group, LISTED_GROUPS) or LIST.usage[0])
    known = {choice.name: choice for choice in choices(group)}
    if name not in known:
        hint = nearest(name, known) or f"{group}: {', '.join(known)}"
        raise UsageError(f"unknown {group} '{name}'", hint)
    return group, known[name]


def _print_explanation(console: Console, name: str) -> None:
    if name == "plugins":
        _print_settings(console, _explained(name), name)
        print_plugins(console)
    elif name in LISTED_GROUPS:
        _print_group(console, name)
    elif settings := _explained(name):
        _print_settings(console, settings, name)
    else:
        for found, having in _explained_by_choices(name).items():
            console.print(Text(f"with {', '.join(having)}", "dim"))
            _print_settings(console, found, name)


def _explained(name: str) -> list[Setting]:
    """Return the settings of a section or of a single name that every run has."""
    if name == TOP_LEVEL:
        return [s for s in shared_settings() if "." not in s.key and s.default]
    return within(shared_settings(), name)


def _explained_by_choices(name: str) -> dict[tuple[Setting, ...], list[str]]:
    """Return the settings of a name that only some choices have → ``group=choice`` of each."""
    found: dict[tuple[Setting, ...], list[str]] = {}
    group = name.partition(".")[0]
    for choice in choices(group) if group in LISTED_GROUPS else ():
        if settings := tuple(within(settings_of_choice(group, choice), name)):
            found.setdefault(settings, []).append(f"{group}={choice.name}")
    return found


def _print_overview(console: Console) -> None:
    for group in LISTED_GROUPS:
        table = _table(2)
        for choice in choices(group):
            table.add_row(Text(f"{group}={choice.name}"), Text(choice.help))
        console.print(Text(group, "bold"))
        console.print(Padding(table, (0, 0, 1, 2), expand=False))
    if active():
        console.print(Text("own pieces", "bold"))
        print_plugins(console)
    single = [s.key for s in _explained(TOP_LEVEL)]
    sections = [s.key for s in shared_settings() if not s.default]
    for title, found in (("settings", single), ("sections", sections)):
        console.print(Text(title, "bold"))
        console.print(Padding(Text(" ".join(found)), (0, 0, 1, 2)))
    console.print(Text("vaerun list NAME explains a group, a section or a setting", "dim"))


def _print_group(console: Console, group: str) -> None:
    """Print the choices of a group with their settings, and the settings that all share."""
    for choice in choices(group):
        _print_choice(console, group, choice)
    if shared := within(shared_settings(), group):
        console.print(Text(f"with every {group}", "bold"))
        _print_settings(console, shared, group)


def _print_choice(console: Console, group: str, choice: Choice) -> None:
    """Print a choice of a group, with the settings that it brings."""
    console.print(Text.assemble((f"{group}={choice.name}", "bold"), f"  {choice.help}"))
    _print_rows(console, settings_of_choice(group, choice), "")
    console.print()


def _print_settings(console: Console, settings: Sequence[Setting], name: str) -> None:
    """Print settings section by section: a line on the section, then a row per setting."""
    sections: dict[str, list[Setting]] = {}
    titles = {s.key: s.help for s in settings if not s.default}
    for setting in settings:
        if setting.default:
            section = setting.key.rpartition(".")[0]
            sections.setdefault(section if setting.key != name else "", []).append(setting)
        else:
            sections.setdefault(setting.key, [])
    if not sections.get("", True):
        del sections[""]
    with_heading = True  # once, above the first values
    for section, rows in sections.items():
        if section:
            console.print(Text.assemble((section, "bold"), f"  {titles.get(section, '')}".rstrip()))
        _print_rows(console, rows, f"{section}." if section else "", with_heading=with_heading)
        if rows:
            console.print()
            with_heading = False


def _print_rows(
    console: Console, settings: Sequence[Setting], prefix: str, *, with_heading: bool = False
) -> None:
    table = _table(3)
    table.show_header = with_heading
    for setting in settings:
        table.add_row(
            Text(setting.key.removeprefix(prefix)), Text(setting.default), Text(setting.help)
        )
    if settings:
        console.print(Padding(table, (0, 0, 0, 2), expand=False))


def _table(columns: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, show_edge=False)
    table.header_style = "dim"
    table.add_column("setting", no_wrap=True, style="cyan")
    if columns == 3:
        table.add_column("default", max_width=_DEFAULT_WIDTH, overflow="fold", style="green")
    table.add_column("meaning", overflow="fold")
    return table

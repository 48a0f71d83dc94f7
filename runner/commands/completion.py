"""Shell completion: the script that a shell reads, and its answers to what has been typed.

Settings and choices are completed by Hydra; commands, their options and their names by the manual.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from runner.commands.arguments import COMMANDS, Arguments, Command
from runner.commands.manual import MANUAL, TRAIN
from runner.errors import UsageError, nearest

_INSTALL = {
    "bash": """\
_vaerun() {
    local IFS=$'\\n'
    COMPREPLY=($(COMP_LINE="${COMP_LINE:0:$COMP_POINT}" vaerun -sc query=bash 2> /dev/null))
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} != *[=./] ]]; then compopt +o nospace; fi
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o nospace -o default -F _vaerun vaerun
""",
    "zsh": """\
_vaerun() {
    local -a found
    found=("${(@f)$(COMP_LINE="$LBUFFER" vaerun -sc query=zsh 2> /dev/null)}")
    if [[ -n "$found" ]]; then compadd -S '' -a found; else _files; fi
}
autoload -Uz compinit && compinit
compdef _vaerun vaerun
""",
    "fish": """\
function _vaerun
    set -lx COMP_LINE (commandline -cp)
    vaerun -sc query=fish 2> /dev/null
end
complete -c vaerun -a '(_vaerun)'
""",
}
_UNINSTALL = {
    "bash": "complete -r vaerun\nunset -f _vaerun\n",
    "zsh": "compdef -d vaerun\nunfunction _vaerun\n",
    "fish": "complete -e -c vaerun\nfunctions -e _vaerun\n",
}


def complete(arguments: Arguments) -> int:
    """Print the script of a shell, or what may follow the line in ``COMP_LINE``, one a line.

    Raises: UsageError for a shell that is not known.
    """
    what, _, shell = (arguments.overrides or [""])[0].partition("=")
    if what not in ("install", "uninstall", "query") or len(arguments.overrides) != 1:
        usage = 'eval "$(vaerun -sc install=bash)"; or zsh, fish; or uninstall=SHELL'
        raise UsageError("-sc takes install=SHELL or uninstall=SHELL", usage)
    if shell not in _INSTALL:
        hint = nearest(shell, _INSTALL) or f"shells: {', '.join(_INSTALL)}"
        raise UsageError(f"there is no completion for '{shell}'", hint)
    if what == "query":
        found = candidates(os.environ.get("COMP_LINE", ""))
        sys.stdout.write("".join(f"{each}\n" for each in found))
    else:
        sys.stdout.write((_INSTALL if what == "install" else _UNINSTALL)[shell])
    return 0


def candidates(line: str) -> list[str]:
    """Return what the last part of a command line, from ``vaerun`` on, may become."""
    parts = line.split()[1:]
    *before, last = parts if parts and not line.endswith(" ") else [*parts, ""]
    if before and before[0] in COMMANDS:
        command = MANUAL.get(" ".join(before[:2]), MANUAL[before[0]])
        return _of_command(command, last)
    found = _options(TRAIN, last) if last.startswith("-") else _settings(before, last)
    names = [] if before else [name for name in COMMANDS if name.startswith(last)]
    return [*names, *found]


def _of_command(command: Command, last: str) -> list[str]:
    """Return what may follow the name of a command."""
    if last.startswith("-"):
        return _options(command, last)
    settings = [key.partition("=")[0] + "=" for keys, _ in command.settings for key in _keys(keys)]
    if last.startswith("metrics="):
        return _settings([], last)
    longer = [name.partition(" ")[2] for name in MANUAL if name.startswith(f"{command.name} ")]
    return [each for each in (*longer, *settings, *command.offers()) if each.startswith(last)]


def _keys(written: str) -> list[str]:
    """Return the single settings of what help writes as one: no pattern such as wandb.KEY."""
    return [key for key in written.split(", ") if "=" in key and "KEY" not in key]


def _options(command: Command, last: str) -> list[str]:
    names = [option.name for option in command.options if not option.refused]
    return [name for name in (*names, "--help") if name.startswith(last)]


def _settings(before: Sequence[str], last: str) -> list[str]:
    """Return the settings and choices that Hydra knows, and those of grids."""
    from hydra.plugins.completion_plugin import DefaultCompletionPlugin

    from runner.commands.arguments import read
    from runner.commands.overrides import searched
    from runner.config.composition import hydra_session
    from runner.config.plugin_use import with_plugins
    from runner.grid.sweep_file import names

    if last.startswith("sweep="):
        return [f"sweep={name}" for name in names() if name.startswith(last[6:])]
    try:
        arguments = read(TRAIN, before)
        named = [o for o in arguments.overrides if "sweep=" not in o]
        given = with_plugins([*searched(arguments), *named])
        with hydra_session(given) as hydra:
            plugin = DefaultCompletionPlugin(hydra.config_loader)
            # Hydra offers no way to complete but this one, which its own shells use.
            query = getattr(plugin, "_query")  # noqa: B009 - private, and so not to be seen
            found: list[str] = query(config_name="config", line=" ".join([*given, last]) or " ")
    except UsageError:
        return []
    hidden = ("hydra", "schema", "local")
    more = [key for key in ("sweep=", "only=") if key.startswith(last)]
    return [*more, *(each for each in found if not each.startswith(hidden) and each not in more)]

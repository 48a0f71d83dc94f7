"""A YAML file of settings: read, or refused in one line with its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.errors import UsageError

_MOST_NODES = 100_000
"""Values in a file, aliases written out; YAML of a few lines can stand for more than memory holds.
"""


def read_settings_file(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file of settings.

    Raises: UsageError naming the file, and the line where there is one.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_endless(path, text)
        content = OmegaConf.to_container(OmegaConf.create(text))
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"'{path}'{line}: {error.problem or 'not YAML'}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, AssertionError) as error:
        raise UsageError(f"'{path}' is not YAML of settings") from error
    except (OmegaConfBaseException, RecursionError) as error:
        raise UsageError(f"'{path}' has a value that no setting can have") from error
    except OSError as error:
        raise UsageError(f"'{path}' cannot be read: {error.strerror}") from error
    if not isinstance(content, dict):
        raise UsageError(f"'{path}' must hold settings, KEY: VALUE on each line")
    return cast("dict[str, Any]", content)


def _refuse_endless(path: Path, text: str) -> None:
    """Refuse a file whose aliases make it endless, or larger than any settings are."""
    sizes: dict[int, int | None] = {}

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            known = sizes[id(node)]
            if known is None:
                raise UsageError(f"'{path}' has an alias (*NAME) within what it stands for")
            return known
        sizes[id(node)] = None
        parts = cast("list[Any]", node.value) if isinstance(node.value, list) else []
        flat = [n for part in parts for n in (part if isinstance(part, tuple) else (part,))]
        sizes[id(node)] = found = 1 + sum(size(each) for each in flat)
        return found

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None and size(root) > _MOST_NODES:
        raise UsageError(f"'{path}' has more than {_MOST_NODES:,} values")

"""Reading the file of own pieces, or the installed package that has some.

A file is read once, its digest taken of what is executed, and executed as a module of a private
name. The places where Python looks for modules are left as they are, so a file cannot import its
neighbours by accident, nor anything of the current folder.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from runner import memory
from runner.errors import DataError, UsageError, VaerunError, nearest
from runner.files import read_regular
from runner.plugins.collecting import collecting
from runner.plugins.pieces import Piece

GROUP = "vaerun.plugins"
"""The entry points by which installed packages offer pieces."""

_MOST_BYTES = 1 << 22
_ADDING = "it calls add_prior, add_metric and others of runner.plugins"


@dataclass(frozen=True, eq=False)
class Plugin:
    """A file or an installed package, and the pieces that it adds."""

    pieces: tuple[Piece, ...]
    path: Path | None = None
    """The file; None for an installed package."""
    sha256: str | None = None
    name: str | None = None
    """The entry point of an installed package, with the package's name and version."""
    package: str | None = None
    version: str | None = None
    folder: Path | None = None
    """The folder ``conf`` beside it with YAML of its own, if there is one."""

    def record(self) -> dict[str, str]:
        """Return what the settings of a run say of it."""
        of_file = {"path": str(self.path), "sha256": self.sha256}
        of_package = {"name": self.name, "package": self.package, "version": self.version}
        return {k: v for k, v in (of_file if self.path else of_package).items() if v is not None}


_of_files: dict[tuple[Path, str], Plugin] = {}
_of_packages: dict[str, Plugin] = {}


def load_file(path: Path, expected: str | None = None) -> Plugin:
    """Return the pieces of a file, which is executed unless this process has done so.

    Args:
        path: the file.
        expected: the digest that it must have; None: any.

    Raises: UsageError where it is missing, not as expected, or no file of pieces; where something
        in it is wrong, the error names the line.
    """
    path = path.resolve()
    if expected is not None and (path, expected) in _of_files:
        return _of_files[path, expected]
    source, digest = _read(path, is_recorded=expected is not None)
    if expected is not None and digest != expected:
        hint = f"put it back as it was, or say plugins=[{path.name}] to take it as it is now"
        raise UsageError(f"'{path}' is not what it was when the run began: it was changed", hint)
    if (path, digest) not in _of_files:
        pieces = _execute(path, source, digest)
        _of_files[path, digest] = Plugin(pieces, path, digest, folder=_conf_beside(path))
    return _of_files[path, digest]


def _read(path: Path, *, is_recorded: bool) -> tuple[bytes, str]:
    try:
        source = read_regular(path, _MOST_BYTES)
    except FileNotFoundError as error:
        if is_recorded:
            hint = f"put it back, or say plugins=[PATH/{path.name}] where it is now"
            raise UsageError(f"'{path}' has own pieces of the run, and is missing", hint) from error
        beside = [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []
        hint = nearest(path.name, beside) or "plugins=[PATH] says where it is"
        raise UsageError(f"there is no file of own pieces '{path}'", hint) from error
    except DataError as error:
        raise UsageError(error.message) from error
    except OSError as error:
        raise UsageError(f"'{path}' cannot be read: {error.strerror}") from error
    return source, hashlib.sha256(source).hexdigest()


def _execute(path: Path, source: bytes, digest: str) -> tuple[Piece, ...]:
    name = f"_vaerun_pieces_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}_{digest[:8]}"
    spec = spec_from_file_location(name, path)
    if spec is None:
        raise UsageError(f"'{path}' is no Python: its name does not end in .py")
    module = module_from_spec(spec)
    with _explained(str(path)), collecting(str(path)) as pieces:
        code = compile(source, str(path), "exec", dont_inherit=True)
        sys.modules[name] = module  # where dataclasses look up the types of their fields
        try:
            exec(code, module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
    return _some(str(path), pieces)


def installed() -> dict[str, metadata.EntryPoint]:
    """Return the installed packages' entry points by name; none of them is imported."""
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def load_installed(name: str, version: str | None = None) -> Plugin:
    """Return the pieces of an installed package, which is imported unless it has been.

    Args:
        name: of its entry point in the group :data:`GROUP`: a module that adds pieces, or a
            function that does.
        version: the version that the package must have; None: any.

    Raises: UsageError as :func:`load_file`.
    """
    if name not in _of_packages:
        _of_packages[name] = _import(name)
    found = _of_packages[name]
    if version is not None and version != found.version:
        hint = f"install that version, or say plugins=[{name}] to take this one"
        what = f"plugins: '{name}' was of {found.package} {version}, and this is {found.version}"
        raise UsageError(what, hint)
    return found


def _import(name: str) -> Plugin:
    points = installed()
    if name not in points:
        known = ", ".join(points) or "none is installed"
        hint = nearest(name, points) or f"a file ends in .py; installed: {known}"
        raise UsageError(f"plugins: there is no file and no installed package '{name}'", hint)
    point = points[name]
    with _explained(f"{name} ({point.value})"), collecting(point.value) as pieces:
        found: ModuleType | Callable[[], object] = point.load()
        if callable(found):
            found()
    module = sys.modules.get(point.module)
    file = getattr(module, "__file__", None)
    package, version = (point.dist.name, point.dist.version) if point.dist else (None, None)
    return Plugin(
        _some(name, pieces), name=name, package=package, version=version,
        folder=_conf_beside(Path(file)) if file else None,
    )  # fmt: skip


def _some(shown: str, pieces: list[Piece]) -> tuple[Piece, ...]:
    if not pieces:
        raise UsageError(f"'{shown}' adds no pieces", _ADDING)
    return tuple(pieces)


def _conf_beside(path: Path) -> Path | None:
    folder = path.parent / "conf"
    return folder if folder.is_dir() else None


@contextmanager
def _explained(shown: str) -> Generator[None]:
    """Say in one line what is raised within, and keep what is printed there off stdout.

    Raises: UsageError in place of what the file raises.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except VaerunError:
        raise
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        what = f"'{error.filename or shown}'{line}: {error.msg}"
        raise UsageError(f"{what}: it is no Python") from error
    except ModuleNotFoundError as error:
        hint = "a file finds installed packages alone; pieces of several files are a package"
        raise UsageError(f"{place_of(error, shown)}: {in_words(error)}", hint) from error
    except (Exception, SystemExit) as error:
        if memory.failure(error) is not None:
            raise
        raise UsageError(f"{place_of(error, shown)}: {in_words(error)}") from error


def place_of(error: BaseException, shown: str) -> str:
    """Return the last line of a file that an error came from, or of whatever raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == shown]
    last = (own or frames[-1:])[-1:]
    return f"'{last[0].filename}', line {last[0].lineno}" if last else f"'{shown}'"


def in_words(error: BaseException) -> str:
    """Return an exception in one line."""
    text = next(iter(str(error).splitlines()), "")
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__

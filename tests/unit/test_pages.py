"""What the README and the pages of docs/ name exists: commands, settings, numbers, files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from runner import config
from runner.commands.arguments import Arguments, Command, read
from runner.commands.list import run as list_settings
from runner.commands.manual import MANUAL
from runner.commands.sweep_options import requested_sweep, sort_options
from runner.commands.train import run as train
from runner.config import RunConfig
from runner.config.composition import compose, search_path
from runner.config.descriptions import LISTED_GROUPS, choices, names
from runner.grid.sweep_file import find
from runner.metric.quantities import QUANTITIES, quantity
from tests.page_commands import Page, calls, without_placeholders

ROOT = Path(__file__).parents[2]
OLD = {ROOT / "CHANGELOG.md"}
"""Pages that also name what is no longer there."""

PAGES = sorted({*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")} - OLD)

of_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))

Composed = Callable[..., RunConfig]


@of_page
def test_commands_of_a_page_are_accepted(
    path: Path, composed: Composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = Page(path.read_text())
    said = calls(page, tmp_path, [Page(other.read_text()) for other in PAGES])
    monkeypatch.chdir(tmp_path)
    for program, *words in said:
        if program == "vaerun":
            accept(words, composed)


def accept(words: list[str], composed: Composed) -> None:
    """Raise UsageError for a command line that the program would refuse for what it says.

    Folders and files of the reader's are not looked for, and nothing is trained.
    """
    if words[:1] == ["COMMAND"]:
        return
    names_of_words = (" ".join(words[:2]), "".join(words[:1]), "")
    command = MANUAL[next(name for name in names_of_words if name in MANUAL)]
    given = without_placeholders(words[len(command.name.split()) :])
    if command.name == "list":
        list_settings(read(command, given))
        return
    arguments = read(command, given)
    if not command.name:
        accept_settings(arguments, composed)
        return
    accept_command(command, arguments.overrides, composed)
    if command.name == "fetch":
        assert set(arguments.operands) <= {choice.name for choice in choices("dataset")}
    if command.name == "compare":
        for name in set(arguments.texts("--metric") or ()) - {"list"}:
            assert is_known(name), name


def accept_command(command: Command, overrides: list[str], composed: Composed) -> None:
    """Settings of a command that are no settings of a run are those that its help names."""
    own = {part.partition("=")[0] for key, _ in command.settings for part in key.split(", ")}
    own -= set(names())
    own |= {"only", "launcher", "plugins"}  # of which the last are the reader's files
    own |= {"metrics.factor_bins"}  # of a file of codes, and of no run
    of_run = [o for o in overrides if o.partition("=")[0] not in own]
    compose_quickly(
        of_run if command.name != "evaluate" else ["metrics=reference", *of_run], composed
    )


def compose_quickly(overrides: list[str], composed: Composed) -> None:
    """Compose settings, by values written into composed choices where that is the same."""
    if any("{" in override for override in overrides):
        compose(overrides).parse()
    else:
        composed(*overrides)


def accept_settings(arguments: Arguments, composed: Composed) -> None:
    overrides = arguments.overrides
    keys = {override.partition("=")[0] for override in overrides}
    if "--shell-completion" in arguments.flags or "plugins" in keys:
        return  # own pieces are tested beside their examples: here they would stay in the process
    if not keys & {"sweep", "only", "launcher"} and "--multirun" not in arguments.flags:
        if folders := arguments.texts("--config-dir"):
            searched = search_path([Path(folder).resolve() for folder in folders])
            compose([*overrides, searched]).parse()
        else:
            compose_quickly([config.allow_new_key(o) for o in overrides], composed)
        return
    if any(is_search(o.partition("=")[2]) for o in overrides if o.startswith("sweep=")):
        train(read(MANUAL[""], [*arguments.given, "--dry-run"]))
        return
    options = sort_options(overrides)
    config.launcher(options.launcher, options.of_launcher)
    runs = list(requested_sweep(options).runs())
    for run in (runs[0], runs[-1]):
        compose_quickly([*run, *options.folder, *options.places], composed)


def is_search(name: str) -> bool:
    return yaml.safe_load(find(name).read_text()).get("method") in ("random", "bayes")


def spans(text: str) -> Iterator[str]:
    """Yield the code spans of a page's running text."""
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", without_blocks)


SETTINGS = set(names())
SECTIONS = {name.partition(".")[0] for name in SETTINGS if "." in name} | {"launcher"}
_SETTING = re.compile(r"([a-z]\w*(?:\.[a-z]\w*)+)(?:=.*)?")
_ASSIGNED = re.compile(r"([a-z_]\w*)=(\S*)")
_FILE = re.compile(r"(?<![\w/-])(?:runner|tests|docs|conf|sweeps|examples)/[\w./-]+\.\w+")
OF_FILES = ("yaml", "yml", "json", "csv", "npz", "h5", "hdf5", "py", "md", "png", "gif", "txt",
            "jsonl", "html", "svg", "pdf", "npy", "onnx", "pt2", "zip", "ipynb")  # fmt: skip
OF_GRIDS = {"sweep", "only", "method", "plugins"}
"""What is written like a setting, and belongs to grids, sweep files or the reader's own pieces."""


HELP = [text for c in MANUAL.values() for option in c.options for text in (option.help, *c.usage)]
HELP += [key for c in MANUAL.values() for key, _ in c.settings]
OF_COMMANDS = {key for text in HELP for key in re.findall(r"(\w+)=", text)}
"""What the help of a command writes like a setting, such as a filter."""


def unknown_settings(text: str) -> list[str]:
    """Return what is written as a setting of a section, or of a run, and is none."""
    found: list[str] = []
    own = words_of_own_pieces() if "plugins=" in text or "import runner" in text else set()
    for span in spans(text):
        if match := _SETTING.fullmatch(span):
            key = match[1]
            of_a_file = key.rpartition(".")[2] in OF_FILES
            if key.partition(".")[0] in SECTIONS and not of_a_file and not under(key, own):
                found.append(span)
        elif (match := _ASSIGNED.fullmatch(span)) and not (
            match[1] in SETTINGS | OF_GRIDS | OF_COMMANDS | own
            and is_choice(match[1], match[2], own)
        ):
            found.append(span)
    return found


@cache
def words_of_own_pieces() -> set[str]:
    """Return the words of the examples and of Python on the pages: names of pieces and settings."""
    examples = (ROOT / "examples").rglob("*.py")
    blocks = re.compile(r"^```python.*?^```", re.DOTALL | re.MULTILINE)
    on_pages = [block for path in PAGES for block in blocks.findall(path.read_text())]
    texts = [*(path.read_text() for path in examples), *on_pages]
    return {word for text in texts for word in re.findall(r"[a-z]\w+", text)}


def under(key: str, own: set[str]) -> bool:
    """Whether a setting exists, is of an own piece, or in a mapping of the reader's names."""
    section, _, name = key.rpartition(".")
    return key in SETTINGS or section in MAPPINGS or name in own


MAPPINGS = {
    "objective.group_information",
    "objective.group_rate",
    "dataset.hold_out",
    "prior.groups",
    "prior.discrete",
}


def is_choice(group: str, value: str, own: set[str]) -> bool:
    """Whether the value of a group is one of its choices, as far as it says one."""
    if group not in LISTED_GROUPS or not re.fullmatch(r"[a-z]\w*", value):
        return True
    return value in own | {"mine"} | {choice.name for choice in choices(group)}


@of_page
def test_settings_of_a_page_exist(path: Path):
    assert unknown_settings(path.read_text()) == []


def test_a_setting_that_is_none_is_found():
    said = "`prior.dimensionz` `betta=4` `objective=hfvaee` `prior.groups.mine` `beta=4` `a.yaml`"
    assert unknown_settings(said) == ["prior.dimensionz", "betta=4", "objective=hfvaee"]


_PLACES = ("scores/", "terms/", "information/", "distances/", "levels/", "penalties/", "scheduled/")


def is_known(name: str) -> bool:
    """Whether a name, or a short name, is one of the quantities."""
    full = (name, f"terms/{name}", f"scores/mean/{name}", f"scores/{name}")
    return any(quantity(each).family != "other" for each in full)


def unknown_quantities(text: str) -> list[str]:
    rows = {row.name for row in QUANTITIES}
    said = [s for s in spans(text) if s.startswith(_PLACES) and not s.endswith(("/", "…", "*"))]
    return [name for name in said if name not in rows and quantity(name).family == "other"]


@of_page
def test_quantities_of_a_page_exist(path: Path):
    assert unknown_quantities(path.read_text()) == []


def test_a_quantity_that_is_none_is_found():
    said = "`terms/index_code_mi` `scores/mean/migg` `scores/<codes>/mig` `terms/…`"
    assert unknown_quantities(said) == ["scores/mean/migg"]


@of_page
def test_files_that_a_page_names_are_there(path: Path):
    placeholder = re.compile(r"[A-Z]{2,}|[*…{]|/mine\.|both/|conf/local/")
    for span in spans(path.read_text()):
        for name in _FILE.findall(span):
            assert placeholder.search(span) or (ROOT / name).exists(), name


def test_the_readme_is_a_screen_and_a_half():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 90
    assert max(map(len, lines)) <= 260


def test_the_readme_s_line_of_tests_is_what_ci_runs(tmp_path: Path):
    """Each program of ``.ci/run`` is called by the README with the same arguments."""
    page = Page((ROOT / "README.md").read_text())
    said = {shlex.join(words) for words in calls(page, tmp_path)}
    for line in (ROOT / ".ci" / "run").read_text().splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] in (["ruff"], ["pyright"], ["lint-imports"], ["pytest"]):
            end = next((i for i, w in enumerate(words) if w[:1] in ">&" and w), len(words))
            assert shlex.join(words[:end]) in said
    assert "pip install -e '.[test]'" in said
    assert any(call.startswith("vaerun objective=") for call in said)

"""Random bad input: settings, files of a run folder and sweep files, and what must hold of each.

``tests/end_to_end/test_fuzz.py`` tries some; ``python tests/fuzz.py`` goes on for minutes.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from omegaconf import OmegaConf

from runner.config.tree import leaves

SECRET = "6d1f-the-secret-of-the-environment"
"""Value of the environment's variable ``SECRET``, which nothing may show or write."""

Contents = Mapping[str, tuple[Any, ...]]

EXIT_CODES = (0, 1, 2, 3, 4, 129, 130, 143)
REFUSED = (2, 3)
FOREIGN = (
    "Traceback", "omegaconf", "full_key", "object_type", "<class", "ConfigKeyError",
    "ValidationError", "ConfigAttributeError", "InterpolationKeyError", "DictConfig", "ListConfig",
    "hydra._internal", "Optional[", "NoneType", "<runner", "object at 0x", SECRET,
)  # fmt: skip
"""What no user may have to read: the inside of libraries, and secrets."""

SMALL_RUN = (
    "dataset=digits", "architecture=mlp", "architecture.widths=[8]", "prior.dimensions=2",
    "steps=2", "batch_size=16", "metrics=none", "evaluation.encodings=20",
    "evaluation.map_points=10", "evaluation.traversal_steps=2", "device=cpu",
    "wandb.mode=disabled",
)  # fmt: skip

STRANGE = (
    "", " ", "null", "None", "true", "True", "nan", "inf", "-inf", "-1", "0", "1e-3", "1e400",
    "0.5", "3", "1:30", "0x10", "0o7", "2026-01-01", "9" * 5000, "[]", "{}", "[[1]]", "[1,abc]",
    "{a: 1}", "{a: {b: [1]}}", "[" * 400, "[" * 60 + "]" * 60, "{a: " * 60 + "1" + "}" * 60,
    "${oc.env:SECRET}", "${beta}", "${nowhere}", "${", "${oc.decode:1}", "a[/]b", "[red]x[/red]",
    "a=b", "a,b", "a b", "'", '"', "a'b", "\\", "a\nb", "\x1b[31mx", "\x00", "é", "雪", "😀", "~x",
    "@y", "#z", "a:b", "$HOME", "..", "../x", "range(0,100000000)", "choice(1,2)", "interval(0,1)",
    "{linear: {from: 0, to: 4, over: 10}}", "{linear: {from: a}}", "{linear: 3}",
    "{_target_: os.x}",
    "100000000", "1000000000000000000000", "!!python/object:os.system x", "&a [*a]",
)  # fmt: skip
"""Values that people, YAML and Python write, and those that people attack programs with."""

scalars: SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 40), st.just(10**30), st.floats(), st.text(max_size=8)
)
plain_values: SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)
"""What JSON and YAML can hold."""

texts = st.sampled_from(STRANGE) | st.text(max_size=12) | plain_values.map(json.dumps)
"""Values as they are typed."""


@dataclass(frozen=True)
class Place:
    """Where a case is tried: an empty folder, beside it a folder that does not belong to it."""

    folder: Path
    outside: Path


@dataclass(frozen=True)
class Case:
    """One bad input: what is prepared in the folder, and the command that meets it."""

    story: str
    prepare: Callable[[Place], None]
    arguments: tuple[str, ...]


def _nothing(place: Place) -> None:
    del place


def misspellings(name: str) -> SearchStrategy[str]:
    """A name with a letter less, or something else in its place."""
    letters = st.tuples(st.integers(0, len(name) - 1), st.sampled_from(["", "x", "__", "."]))
    return letters.map(lambda drawn: name[: drawn[0]] + drawn[1] + name[drawn[0] + 1 :])


@st.composite
def settings_cases(draw: DrawFn, keys: tuple[str, ...], groups: tuple[str, ...]) -> Case:
    """A run with up to three strange settings."""
    names = st.sampled_from(keys) | st.sampled_from(groups)
    words: list[str] = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        name = draw(names | names.flatmap(misspellings) | st.text(max_size=5))
        value = draw(texts)
        form = draw(
            st.sampled_from(["{}={}"] * 8 + ["++{}={}", "+{}={}", "~{}={}", "{}", "--{}={}"])
        )
        words.append(form.format(name, value).replace("\x00", ""))
    # A command line cannot hold NUL, nor a file name: the operating system would refuse it.
    words = [word for word in words if not word.startswith(("out=/", "data_dir=/"))]
    return Case("settings", _nothing, (*SMALL_RUN, *words))


def _nodes(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of a tree: keys and positions that lead to each of its values."""
    yield path
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        yield from _nodes(value, (*path, key))


@st.composite
def damaged_trees(draw: DrawFn, tree: Any, values: SearchStrategy[Any] = plain_values) -> Any:
    """A tree with one of its values replaced, removed or doubled under another name."""
    path = draw(st.sampled_from(list(_nodes(tree))))
    if not path:
        return draw(values)
    damaged = copy.deepcopy(tree)
    node = damaged
    for key in path[:-1]:
        node = node[key]
    act = draw(st.sampled_from(["replace"] * 4 + ["remove", "rename"]))
    if act == "replace" or isinstance(node, list):
        node[path[-1]] = draw(values)
    elif act == "remove":
        del node[path[-1]]
    else:
        node[draw(st.text(max_size=6))] = node.pop(path[-1])
    return damaged


@st.composite
def damaged_bytes(draw: DrawFn, content: bytes) -> bytes:
    """A text that was cut, or into which something was written."""
    at = draw(st.integers(0, len(content)))
    rest = content[at:] if draw(st.booleans()) else b""
    return (
        content[:at]
        + draw(st.binary(max_size=6) | st.just(b"[" * 20000) | st.just(b"9" * 5000))
        + rest
    )


def _leave_out(path: Path, place: Place) -> None:
    del path, place


def _empty(path: Path, place: Place) -> None:
    del place
    path.write_bytes(b"")


def _folder(path: Path, place: Place) -> None:
    del place
    path.mkdir()


def _pipe(path: Path, place: Place) -> None:
    del place
    os.mkfifo(path)


def _device(path: Path, place: Place) -> None:
    del place
    path.symlink_to("/dev/zero")


def _loop(path: Path, place: Place) -> None:
    del place
    path.symlink_to(path.name)


def _link_out(path: Path, place: Place) -> None:
    path.symlink_to(place.outside / "theirs.txt")


def _link_out_to_folder(path: Path, place: Place) -> None:
    path.symlink_to(place.outside)


SUBSTITUTES: dict[str, Callable[[Path, Place], None]] = {
    "nothing": _leave_out,
    "an empty file": _empty,
    "a folder": _folder,
    "a pipe": _pipe,
    "a device": _device,
    "a link to itself": _loop,
    "a link out": _link_out,
    "a link out to a folder": _link_out_to_folder,
}
"""What stands in place of a file."""

COMMANDS = (
    ("resume", "run"), ("resume", "run", "steps=4"), ("evaluate", "run"),
    ("evaluate", "run", "metrics=none", "metrics.mig={codes: mean, bins: 5}"),
    ("compare", "run"), ("compare", "run", "--html"), ("sync", "run"),
    ("show", "run"), ("show", "run", "--json"), ("diff", "run", "run", "--all"),
    ("list", "runs", "run", "--sort", "-elbo"), ("delete", "run", "--dry-run"), ("list",),
)  # fmt: skip


@st.composite
def folder_cases(draw: DrawFn, run: Path) -> Case:
    """A command on a run folder, one file of which is damaged."""
    files = sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    name = draw(st.sampled_from([*files, "checkpoint", "figures", "comparison", ".lock", "wandb"]))
    path = run / name
    command = draw(st.sampled_from(COMMANDS[:-1]))
    suffix = path.suffix
    act = draw(st.sampled_from(["substitute", "bytes", "tree", "tree"]))
    if not path.is_file():
        act = "substitute"
    if act == "tree" and suffix in {".json", ".yaml", ".jsonl"}:
        content = _damaged_document(draw, path.read_text(encoding="utf-8"), suffix)
    elif act != "substitute":
        content = draw(damaged_bytes(path.read_bytes()))
    else:
        substitute = draw(st.sampled_from(sorted(SUBSTITUTES)))
        return Case(
            f"{substitute} in place of {name}", _substitution(run, name, substitute), command
        )
    return Case(f"{name} damaged", _replacement(run, name, content), command)


def _damaged_document(draw: DrawFn, text: str, suffix: str) -> bytes:
    if suffix == ".yaml":
        tree = draw(damaged_trees(yaml.safe_load(text), plain_values | st.sampled_from(STRANGE)))
        return yaml.safe_dump(tree, allow_unicode=True).encode()
    if suffix == ".json":
        return json.dumps(draw(damaged_trees(json.loads(text)))).encode()
    lines = text.splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    lines[at] = json.dumps(draw(damaged_trees(json.loads(lines[at]))))
    return "\n".join([*lines, ""]).encode()


def _replacement(run: Path, name: str, content: bytes) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        shutil.copytree(run, place.folder / "run", symlinks=True)
        (place.folder / "run" / name).write_bytes(content)

    return prepare


def _substitution(run: Path, name: str, substitute: str) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        shutil.copytree(run, place.folder / "run", symlinks=True)
        path = place.folder / "run" / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        SUBSTITUTES[substitute](path, place)

    return prepare


SWEEP: dict[str, Any] = {
    "program": "vaerun",
    "method": "grid",
    "name": "tried",
    "metric": {"name": "elbo", "goal": "maximize"},
    "parameters": {
        "objective": {"values": ["vae", "hfvae"]},
        "beta": {"values": [1, 4.0, "1e-3"]},
        "seed": {"values": "range(0,3)"},
        "prior.dimensions": {"value": 2},
        "metrics": {"value": "none"},
    },
    "command": ["${env}", "${program}", "${args_no_hyphens}"],
}


SEARCH: dict[str, Any] = {
    "name": "tried",
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize", "target": 3.5},
    "run_cap": 7,
    "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 3, "strict": True},
    "parameters": {
        "dataset": {"value": "digits"},
        "beta": {"distribution": "q_log_uniform_values", "min": 1, "max": 8, "q": 0.5},
        "learning_rate": {"distribution": "log_normal", "mu": -7, "sigma": 0.5},
        "objective": {"values": ["beta_vae", "hfvae"], "probabilities": [0.5, 0.5]},
        "prior": {"parameters": {"dimensions": {"min": 2, "max": 8}}},
    },
}
"""A search instead of a grid."""


@st.composite
def sweep_cases(draw: DrawFn) -> Case:
    """A sweep file of which one value, or some bytes, are strange."""
    values = plain_values | st.sampled_from(STRANGE)
    whole = draw(st.sampled_from([SWEEP, SEARCH]))
    tree = draw(damaged_trees(whole, values) | damaged_trees(whole, values).flatmap(damaged_trees))
    content = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode()
    if draw(st.integers(0, 3)) == 0:
        content = draw(damaged_bytes(content))

    def prepare(place: Place) -> None:
        (place.folder / "tried.yaml").write_bytes(content)

    return Case("sweep file", prepare, ("sweep=tried.yaml", "--dry-run", "dataset=digits"))


def all_cases(run: Path) -> SearchStrategy[Case]:
    """Cases of every kind, for a finished run in a folder."""
    tree = OmegaConf.to_container(OmegaConf.load(run / "config.yaml"))
    assert isinstance(tree, dict)
    keys = tuple(str(key) for key, _ in leaves(tree))
    groups = ("dataset", "architecture", "prior", "likelihood", "objective", "metrics",
              "experiment", "debug", "sweep", "launcher", "only", "hydra.verbose")  # fmt: skip
    return st.one_of(settings_cases(keys, groups), folder_cases(run), sweep_cases())


def faults(
    case: Case, before: Contents, after: Contents, code: int, out: str, err: str
) -> list[str]:
    """What is wrong with the answer to a case; empty if nothing is.

    ``before`` and ``after`` are what its folder holds (``tests.snapshot``).
    """
    found: list[str] = []
    if code not in EXIT_CODES:
        found.append(f"exit code {code}")
    found += [
        f"says {word!r}"
        for word in FOREIGN
        if word in out + err and word not in str(case.arguments)
    ]
    # A lock file is neither a result nor a setting, and a folder changes with what is in it.
    changed = [
        name
        for name in sorted({**before, **after})
        if before.get(name) != after.get(name)
        and not (name.endswith(".lock") or Path(name).is_dir())
    ]
    if code in REFUSED:
        lines = len(err.splitlines())
        found += [f"{lines} lines"] * (lines > 4) + ["no line"] * (not err.strip())
        found += [f"refused, and changed {', '.join(changed[:4])}"] * bool(changed)
    return found + [
        f"the secret is in {name}"
        for name in changed
        if name in after and SECRET.encode() in (after[name][2] or b"")
    ]

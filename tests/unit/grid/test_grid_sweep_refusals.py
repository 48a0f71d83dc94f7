"""What a sweep file cannot mean is refused at once, in one line with its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.grid.sweep_file import Sweep, find, read


def grown(levels: int, entry: str) -> str:
    """Anchors of ten aliases of the one before: 10^levels values."""
    lines = [f"a0: &a0 {entry}"]
    for level in range(1, levels + 1):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines) + "\n"


MERGED = "a0: &a0 {x: {value: 1}}\n" + "\n".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)
)

REFUSED = {
    # keys
    "paramters: {beta: {value: 1}}": ("it has no parameters", "did you mean 'paramters'?"),
    'parameters: {beta: {value: 1}}\n"\\e[31m\\n": grid': (r"cannot have '\x1b[31m\n'", None),
    'method: "a\\e[31m"\nparameters: {beta: {value: 1}}': (r"no method 'a\x1b[31m'", None),
    '"\\e[2J": {a: 1}\n"\\e[2J": {a: 1}\n': (r"has the key '\x1b[2J' a second time", None),
    'parameters: {beta: "\\e[31m"}': ("parameter beta needs value", None),
    'parameters: {name: {values: ["\\e[31m", "\\e[31m"]}}': ("twice", None),
    'parameters: {"\\e[31m": {value: 1}}': ("is not the name of a setting", None),
    'blocks: [a]\n"\\e[31m": 1': (r"not '\x1b[31m'", None),
    "parameters: {beta: {value: 1}}\nmethd: grid": (
        "a sweep file cannot have 'methd'",
        "did you mean 'method'?",
    ),
    "parameters: {beta: {valeus: [1]}}": (
        "parameter beta cannot have 'valeus'",
        "did you mean 'values'?",
    ),
    "parameters: {prior: {parameters: {group_size: {vlaue: 1}}}}": (
        "parameter prior.group_size cannot have 'vlaue'",
        "did you mean 'value'?",
    ),
    "parameters: {_target_: {value: os.system}}": ("'_target_' is not the name of a setting", None),
    "parameters: {dataset.hold_out: {value: {_target_: x}}}": ("cannot have the key", None),
    "parameters: {hydra.callbacks: {value: x}}": ("hydra is not for a parameter", None),
    "parameters: {hydra/job_logging: {value: x}}": ("hydra is not for a parameter", None),
    "parameters: {launcher: {value: slurm}}": ("launcher is not for a parameter", None),
    "parameters: {'a b': {value: 1}}": ("'a b' is not the name of a setting", None),
    "parameters: {'beta=1,2 x': {value: 1}}": ("is not the name of a setting", None),
    "parameters: {1: {value: 1}}": ("'1' is not the name of a setting", None),
    "? [a]\n: 1\n": ("found unhashable key in line 1", None),
    "parameters:\n  beta: {value: 1}\n  beta: {value: 2}\n": (
        "line 3 has the key 'beta' a second time",
        None,
    ),
    "method: grid\nparameters: {beta: {value: 1}}\nmethod: grid": (
        "line 3 has the key 'method' a second time",
        None,
    ),
    "blocks: [b.yaml]\nnmae: x": ("not nmae", "did you mean 'name'?"),
    # contradictions
    "parameters: {beta: {value: 1, values: [1]}}": ("parameter beta has value and values", None),
    "parameters: {seed: {value: 1, min: 1, max: 2}}": ("has value and min", None),
    "parameters: {steps: {value: 1}, epochs: {value: 2}}": (
        "give steps or epochs, not both",
        None,
    ),
    "parameters: {steps: {values: [1, 2]}, epochs: {values: [null, 2]}}": (
        "give steps or epochs, not both",
        None,
    ),
    "parameters: {seed: {min: 1}}": ("parameter seed has min without max", None),
    "parameters: {seed: {max: 1}}": ("parameter seed needs value, values, or", None),
    "parameters: {seed: {values: [1, 2], max: 1}}": ("beside which max means nothing", None),
    "parameters: {beta: {values: [1, 2], probabilities: [0.5, 0.5]}}": (
        "beside which probabilities means nothing",
        None,
    ),
    "parameters: {beta: {distribution: normal, values: [1]}}": (
        "cannot have the distribution 'normal' in a grid",
        "with values it is categorical, and need not be named",
    ),
    "parameters: {beta: {distribution: log_uniform_values, min: 1, max: 2}}": (
        "must be of integers",
        None,
    ),
    "parameters: {beta: {distribution: normal, mu: 1, sigma: 2}}": ("needs value, values", None),
    "method: gird\nparameters: {beta: {value: 1}}": (
        "there is no method 'gird'",
        "did you mean 'grid'?",
    ),
    "method: [grid]\nparameters: {beta: {value: 1}}": ("there is no method", None),
    "parameters: {prior: {value: normal, parameters: {group_size: {value: 3}}}}": (
        "parameter prior has no nested parameters alone",
        "its settings can stand for themselves: prior.NAME: {value: …}",
    ),
    "parameters: {prior: {parameters: 3}}": ("parameter prior has no nested parameters", None),
    "parameters: {prior: {values: [{group_size: 3}]}}": (
        "parameter prior is chosen by a name",
        "its settings are parameters of their own: prior.NAME: {values: [1, 4]}",
    ),
    "parameters: {prior.group_size: {value: 1}, prior: {parameters: {group_size: {value: 2}}}}": (
        "parameter prior.group_size is given twice",
        None,
    ),
    # nothing, and too much
    "parameters: {}": ("its parameters are empty", None),
    "parameters: {beta: {values: []}}": ("must be a list of some", None),
    "parameters: {beta: {values: [1, 4, 1.0]}}": ("has the value 1.0 twice", None),
    "parameters: {name: {values: [a, b, a]}}": ("has the value a twice", None),
    "parameters: {seed: {min: 0, max: 1000000000000}}": ("has more than 100,000 values", None),
    "parameters: &x {beta: {values: [*x]}}": ("line 1 contains itself, by an alias", None),
    "parameters: {beta: {values: &v [1, *v]}}": ("line 1 contains itself, by an alias", None),
    grown(9, "[1, 2]") + "parameters: {beta: {values: *a9}}": ("holds more than 100,000", None),
    MERGED + "\nparameters: *a8": ("holds more than 100,000 values", None),
    "#" * 2**21: ("it is larger than 1 MiB", None),
    "parameters: " + "[" * 3000: ("is nested too deeply", None),
    # values that are none
    "parameters: {name: {value: !!binary aGVsbG8=}}": ("cannot be binary data", None),
    "parameters: {name: {value: !!set {a, b}}}": ("cannot be a set", None),
    "parameters: {name: {value: 2024-13-45}}": ("month must be in 1..12", None),
    "parameters: {seed: {value: " + "9" * 5000 + "}}": ("cannot read a value", None),
    'parameters: {dataset.hold_out: {value: {"it\'s": 1}}}': ("cannot have the key", None),
    "parameters: !!python/object/apply:os.system [ls]": ("could not determine a constructor", None),
    "parameters: {a: {value: 1}}\0": ("unacceptable character", None),
    "a: 1\n---\nb: 2\n": ("but found another document in line 2", None),
    "name: null\nblocks: [{sweep: .}]": ("is a folder, not a file", None),
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:60])
def test_a_file_that_is_no_grid_is_refused_in_one_line(tmp_path: Path, text: str):
    message, hint = REFUSED[text]
    file = tmp_path / "some_sweep.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read(file)
    assert message in refused.value.message
    assert str(tmp_path) in refused.value.message
    assert refused.value.message.isprintable()
    assert (refused.value.hint or "").isprintable()
    assert hint is None or refused.value.hint == hint


@pytest.mark.parametrize("dots", ["prior.group_size: {values: [2, 5]}"])
@pytest.mark.parametrize(
    "nested",
    [
        "prior: {parameters: {group_size: {values: [2, 5]}}}",
        "prior.group_size: {values: [2, 5], distribution: categorical}",
    ],
)
def test_nested_parameters_are_dotted_names(tmp_path: Path, nested: str, dots: str):
    runs = []
    for name, text in (("nested", nested), ("dots", dots)):
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"parameters: {{{text}}}")
        runs.append(list(read(file).runs()))
    assert runs[0] == runs[1] == [("prior.group_size=2",), ("prior.group_size=5",)]


def test_steps_zipped_beside_epochs_of_the_block_are_refused(tmp_path: Path):
    (tmp_path / "block.yaml").write_text("parameters: {epochs: {value: 2}, seed: {values: [0, 1]}}")
    (tmp_path / "both.yaml").write_text("blocks: [{sweep: block.yaml, zip: {steps: [1, 2]}}]")
    with pytest.raises(UsageError, match="give steps or epochs, not both"):
        read(tmp_path / "both.yaml")
    (tmp_path / "block.yaml").write_text("parameters: {seed: {values: [0]}}")
    assert list(read(tmp_path / "both.yaml").runs()) == [
        ("seed=0", "epochs=null", "steps=1"),
        ("seed=0", "epochs=null", "steps=2"),
    ]


def test_a_sweep_that_is_no_file_is_refused_and_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    Path("folder.yaml").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(UsageError, match=f"'{name}.yaml' is not a file"):
            find(f"{name}.yaml")
        with pytest.raises(UsageError, match=f"{name}.yaml' is a .*, not a file"):
            read(Path(f"{name}.yaml"))
    for name in ("x" * 300, "a\0b", "../" * 2000):
        with pytest.raises(UsageError, match="unknown sweep"):
            find(f"{name}.yaml")


@pytest.mark.parametrize("keys", [3, 4, 30])
def test_a_product_that_nobody_trains_is_refused_before_it_is_listed(tmp_path: Path, keys: int):
    file = tmp_path / "some_sweep.yaml"
    entries = ", ".join(f"k{n}: {{min: 0, max: 9999}}" for n in range(keys))
    file.write_text(f"parameters: {{{entries}}}")
    with pytest.raises(
        UsageError, match=r"sweep some_sweep has .* runs; a grid has at most 100,000"
    ):
        read(file).check_size()


def test_no_blocks_are_no_runs():
    with pytest.raises(UsageError, match="sweep x has no runs"):
        Sweep("x", ()).check_size()

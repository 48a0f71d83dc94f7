"""Own YAML that is wrong: one line with the file's name, whatever is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.config.composition import compose, search_path
from runner.errors import UsageError
from tests.foreign_words import foreign_words

PRIOR = """\
defaults:
  - /schema/prior/laplace@_here_
name: laplace
dimensions: 4
group_size: null
groups: null
discrete: {}
temperature: 0.66
scale: 1.0
"""
GLOBAL = "# @package _global_\n"
WEIGHTS = (
    "{reconstruction: 1, index_code_mi: 1, group_total_correlation: 1, "
    "within_group_total_correlation: 1, dimension_wise_kl: 1}"
)
BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

CASES: list[tuple[str, str | bytes, str, str | None]] = [
    ("prior", PRIOR.replace("defaults:\n  - /schema/prior/laplace@_here_\n", ""),
     "'prior.scale' is not declared", "defaults: [/schema/prior/laplace@_here_]"),
    ("prior", PRIOR.replace("prior/laplace", "prior/laplac"), "there is no schema 'laplac'",
     "did you mean 'laplace'?"),
    ("prior", PRIOR.replace("name: laplace", "name: mine"), "name must be that of a prior",
     "prior: "),
    ("prior", PRIOR + "foo: 3\n", "unknown setting 'prior.foo'", "prior has name"),
    ("prior", PRIOR.replace("scale: 1.0", "scale: [1]"), "prior.scale must be a number", None),
    ("prior", PRIOR.replace("scale: 1.0\n", ""), "prior.scale has no value", None),
    ("prior", PRIOR + "scale: 3\n", "found duplicate key scale", None),
    ("prior", PRIOR + "a: [\n", "line", None),
    ("prior", "- 1\n", "must hold settings", None),
    ("prior", "3\n", "settings", None),
    ("prior", "", "name must be that of a prior", None),
    ("prior", b"\xff\xfe\x00", "is not YAML", None),
    ("prior", "a: &a [*a]\n", "has an alias (*NAME) within what it stands for", None),
    ("prior", BOMB, "has more than 100,000 values", None),
    ("prior", "a: " + "[" * 3000, "has a value that no setting can have", None),
    ("prior", PRIOR + "x: 2020-01-01\n", "unknown setting 'prior.x'", None),
    ("prior", "1: 2\nnull: 3\n", "", None),
    ("experiment", "beta: 3\n", "has settings of the whole run", "# @package _global_"),
    ("experiment", GLOBAL + "beta: abc\n", "beta must be a number", None),
    ("experiment", GLOBAL + "beta: .nan\n", "beta must be a finite number, got nan", None),
    ("experiment", GLOBAL + "beta: ${foo}\n", "beta is '${foo}', which refers to no setting", None),
    ("experiment", GLOBAL + "betta: 3\n", "unknown setting 'betta'", "did you mean 'beta'?"),
    ("experiment", GLOBAL + "prior.dimensions: 3\n", "unknown setting 'prior.dimensions'", None),
    ("experiment", GLOBAL + "prior: 3\n", "prior must be a mapping of name, dimensions", None),
    ("experiment", GLOBAL + "defaults: 3\n", "defaults must be a list", None),
    ("experiment", GLOBAL + "defaults: [[1]]\n", "an entry of defaults must be", None),
    ("experiment", GLOBAL + "defaults: [{override /prior: [a]}]\n", "an entry of defaults", None),
    ("experiment", GLOBAL + "defaults: [/foo/bar]\n", "an entry of defaults must be", None),
    ("experiment", GLOBAL + "defaults: [prior: normal]\n", "an entry of defaults must be", None),
    ("experiment", GLOBAL + "defaults: [override /prior: nrmal]\n", "unknown prior 'nrmal'",
     "did you mean 'normal'?"),
    ("experiment", GLOBAL + "defaults: [override /priors: normal]\n", "there is no group 'priors'",
     "did you mean 'prior'?"),
    ("experiment", GLOBAL + "objective: {penalties: {mmd: {scales: [[1]]}}}\n",
     "objective.penalties.mmd.scales must be a list of numbers", None),
    ("experiment", GLOBAL + "steps: -3\n", "steps must be at least 1, got -3", None),
    ("objective", GLOBAL + "objective:\n  name: own\n  weights: {reconstruction: 1}\n",
     "objective.weights.index_code_mi has no value", None),
    ("objective", GLOBAL + f"objective:\n  name: own\n  weights: {WEIGHTS}\n  penalty: 3\n",
     "unknown setting 'objective.penalty'", "did you mean 'objective.penalties'?"),
    ("objective", GLOBAL + f"objective:\n  weights: {WEIGHTS}\n", "objective.name has no value",
     None),
    ("metrics", "name: own\nseed: 0\ncodes: mean\nimages: null\n", "metrics.codes must be a list",
     "even of one: [mean]"),
    ("metrics", "name: own\nseed: 0\ncodes: [mean]\nimages: null\ndci: {train: 3}\n",
     "metrics.dci.test has no value", None),
]  # fmt: skip


@pytest.mark.parametrize(("group", "text", "message", "hint"), CASES, ids=lambda v: str(v)[:40])
def test_a_wrong_file_is_named_in_one_line(
    tmp_path: Path, group: str, text: str | bytes, message: str, hint: str | None
):
    own = tmp_path / "own, [red]'yaml'"
    path = own / group / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as refused:
        compose([search_path([own]), f"{group}=mine"]).parse()
    error = refused.value
    assert error.message.startswith(f"'{path}'")
    assert message in error.message
    assert hint is None or hint in (error.hint or "")
    assert "\n" not in error.message
    assert not foreign_words(error, str(path))


def write(own: Path, **files: str) -> str:
    for name, text in files.items():
        path = own / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".yaml").write_text(text)
    return search_path([own])


def test_files_that_files_choose_are_checked_too(tmp_path: Path):
    searched = write(
        tmp_path,
        experiment__mine=f"{GLOBAL}defaults: [override /prior: mine]\n",
        prior__mine=PRIOR.replace("scale: 1.0", "scale: x"),
    )
    with pytest.raises(UsageError, match=r"prior/mine.yaml': prior.scale must be a number"):
        compose([searched, "experiment=mine"])


def test_files_that_are_right_are_taken_and_need_not_fill_a_score(tmp_path: Path):
    text = f"{GLOBAL}# An experiment.\ndefaults: [override /prior: mine]\n"
    text += "metrics: {log_likelihood: {images: 10, samples: 5}}\n"
    searched = write(tmp_path, experiment__mine=text, prior__mine=PRIOR)
    settings = compose([searched, "experiment=mine"]).parse()
    assert settings.prior.dimensions == 4
    assert settings.metrics.log_likelihood is not None
    assert settings.metrics.log_likelihood.samples == 5
    other = compose([searched, "experiment=mine", "objective=beta_vae", "prior.scale=2"]).parse()
    assert (other.objective.name, other.prior.scale) == ("beta_vae", 2)  # pyright: ignore


def test_a_value_of_the_command_line_is_not_laid_to_the_file(tmp_path: Path):
    searched = write(tmp_path, prior__mine=PRIOR)
    with pytest.raises(UsageError, match=r"^prior.scale must be a positive number, got -1.0$"):
        compose([searched, "prior=mine", "prior.scale=-1"]).parse()


def test_a_file_that_is_not_used_is_said(tmp_path: Path):
    searched = write(tmp_path, objective__hfvae=GLOBAL)
    path = tmp_path / "objective" / "hfvae.yaml"
    (note,) = compose([searched, "objective=hfvae"]).notes
    assert note == f"'{path}' is not used: objective=hfvae comes with the program"

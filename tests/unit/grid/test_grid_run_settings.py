"""A grid is known by its settings, and not by the words that chose them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.grid import GridFolder
from runner.grid.run_settings import differences, in_words, key_of
from runner.store.signature import sign

SAME = [
    (["beta=4"], ["beta=4.0"]),
    (["beta=4"], ["++beta=4e0"]),
    (["beta=12"], []),
    (["metrics=fast"], []),
    (["metrics=fast", "prior=normal", "seed=0"], ["dataset=sprites"]),
    (["learning_rate=1e-3"], ["learning_rate=0.001"]),
    (["learning_rate=1e-4"], ["learning_rate=0.0001", "metrics=fast"]),
    (["beta=4", "gamma=2"], ["gamma=2", "beta=4"]),
    (["name='two'"], ["name=two"]),
    (["name='two words'"], ['name="two words"']),
    (["training.compile=True"], ["training.compile=true"]),
    (["training.compile=auto"], []),
    (["training.clip_gradient=null"], []),
    (["wandb.tags=[a, b]"], ["wandb.tags=['a','b']"]),
    (["objective.penalties.mmd={weight: 2, scales: [1,2]}"],
     ["objective.penalties.mmd.scales=[1.0, 2.0]", "objective.penalties.mmd.weight=2"]),
    (["objective.penalties.mmd={kernel: imq}"], []),
    (["beta={linear: {from: 0, to: 4, over: 9}}"], ["beta={linear: {over: 9, to: 4.0, from: 0}}"]),
    (["beta=4", "beta=5"], ["beta=5"]),
    (["experiment=hfvae_mnist"], ["experiment=hfvae_mnist", "dataset=mnist", "objective=hfvae"]),
]  # fmt: skip

OTHER = [
    (["beta=4"], []),
    (["seed=9007199254740993"], ["seed=9007199254740992"]),
    (["metrics=none"], []),
    (["metrics=none"], ["metrics=fast"]),
    (["objective=beta_vae"], ["objective=hfvae"]),
    (["beta={linear: {from: 0, to: 4, over: 100}}"], ["beta={linear: {from: 0, to: 4, over: 99}}"]),
    (["beta={linear: {from: 0, to: 1, over: 100}}"], ["beta=1"]),
    (["dataset.hold_out={shape: heart}"], []),
    (["name=null"], ["name=x"]),
    (["wandb.tags=[a]"], ["wandb.tags=a"]),
    (["nonsense=1"], ["nonsense=2"]),
    (["objective=nonsense"], ["objective=hfvae"]),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_settings_in_other_words_are_the_same_run(first: list[str], second: list[str]):
    assert key_of(first) == key_of(second)


@pytest.mark.parametrize(("first", "second"), OTHER)
def test_other_settings_are_another_run(first: list[str], second: list[str]):
    assert key_of(first) != key_of(second)


def grid(path: Path, *runs: list[str]) -> list[int]:
    return GridFolder.register(path, "some", [tuple(run) for run in runs])[1]


def test_a_grid_is_found_again_in_other_words(tmp_path: Path):
    assert grid(tmp_path, ["beta=12", "seed=0"], ["beta=4", "seed=0"]) == [0, 1]
    before = (tmp_path / "grid.json").read_bytes()
    spelt_out = ["metrics=fast", "seed=0.0", "beta=4e0"]
    assert grid(tmp_path, spelt_out) == [1]
    assert grid(tmp_path, ["seed=0"], spelt_out, ["beta=4"]) == [0, 1]
    assert (tmp_path / "grid.json").read_bytes() == before


def test_new_runs_of_one_setting_in_two_words_are_one_run(tmp_path: Path):
    grid(tmp_path, ["beta=1"])
    assert grid(tmp_path, ["beta=1"], ["beta=8", "metrics=fast"], ["beta=8"]) == [0, 1]


def test_runs_that_an_earlier_grid_has_twice_keep_their_numbers(tmp_path: Path):
    """Before, other words made another run."""
    runs = [["beta=1"], ["beta=1", "metrics=fast"], ["beta=4"]]
    text = json.dumps({"name": "some", "runs": runs})
    (tmp_path / "grid.json").write_text(text)
    sign(tmp_path / "grid.json", text.encode())
    assert grid(tmp_path, *runs) == [0, 1, 2]
    assert grid(tmp_path, ["beta=1", "prior=normal"], ["beta=1", "metrics=fast"]) == [0, 1]


def test_a_grid_of_another_version_goes_on_by_its_words(tmp_path: Path):
    runs = [["gone=1", "beta=1"], ["gone=1", "beta=4"]]
    (tmp_path / "grid.json").write_text(json.dumps({"name": "some", "runs": runs}))
    assert grid(tmp_path, *runs) == [0, 1]
    assert grid(tmp_path, ["beta=4", "gone=1"]) == [1]


@pytest.mark.parametrize(
    ("known", "given", "said"),
    [
        ([["steps=200"]], [["steps=50"]], "steps 200 there, 50 here"),
        ([["beta=4"]], [["seed=3"]], "beta 4 there, 12 here; seed 0 there, 3 here"),
        ([["metrics=none"]], [[]], "metrics none there, fast here"),
        ([["objective=vae", "steps=5"]], [["objective=hfvae", "steps=5"]],
         "objective vae there, hfvae here; beta 1 there, 12 here; gamma 1 there, 4 here"),
        ([["seed=1"], ["seed=2"]], [["seed=3"], ["seed=4"]], "seed 1, 2 there, 3, 4 here"),
        ([["alpha=2", "beta=2", "gamma=2", "seed=2", "steps=2"]], [[]],
         "alpha 2 there, 1 here; beta 2 there, 12 here; gamma 2 there, 4 here; and 2 more"),
        ([[f"seed={n}" for n in (1,)], ["seed=2"], ["seed=3"], ["seed=4"]], [["seed=9"]],
         "seed 1, 2, 3, … there, 9 here"),
    ],
)  # fmt: skip
def test_what_differs_is_said(
    tmp_path: Path, known: list[list[str]], given: list[list[str]], said: str
):
    assert in_words(differences(known, given)) == said
    grid(tmp_path, *known)
    with pytest.raises(UsageError) as refused:
        grid(tmp_path, *given)
    assert refused.value.message == f"'{tmp_path}' holds a grid with other settings: {said}"


def test_the_words_of_a_strangers_grid_are_not_composed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Composing them would look up what they refer to, such as ``${oc.env:SECRET}``."""
    words = [("beta=4", "name=${oc.env:SECRET}"), ("beta=2",)]
    GridFolder.register(tmp_path, "theirs", words)
    (tmp_path / ".grid.json.signature").unlink()
    monkeypatch.setattr("runner.grid.folder.key_of", lambda _: pytest.fail("composed"))
    monkeypatch.setattr("runner.grid.folder.differences", lambda *_: pytest.fail("composed"))
    _, indices = GridFolder.numbered(tmp_path, "mine", [("beta=2",), ("beta=4.0",)])
    assert indices == [1, 2]  # the same words are the same run, others a further one
    with pytest.raises(UsageError, match="other settings: it is not known as yours"):
        GridFolder.numbered(tmp_path, "mine", [("beta=3",)])

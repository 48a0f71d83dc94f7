"""``vaerun list``: groups, sections and single settings, each explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.commands.arguments import read
from runner.commands.list import run
from runner.commands.manual import LIST
from runner.config import GRID_GROUPS, GROUPS
from runner.config.descriptions import choices, names, settings_of_choice, shared_settings
from runner.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a wide terminal, so that no line wraps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    return tmp_path


def show(*arguments: str) -> None:
    assert run(read(LIST, arguments)) == 0


def test_without_a_name_every_choice_of_every_group_is_printed(capsys: pytest.CaptureFixture[str]):
    show()
    printed = capsys.readouterr().out
    words = " ".join(printed.split())
    for group in (*GROUPS, "sweep"):
        for choice in choices(group):
            assert f"{group}={choice.name}" in printed
            assert choice.help in printed
    assert "temperature" not in printed
    assert "training training.stop_early validation evaluation tracking figures wandb" in words
    assert "alpha beta gamma" in printed
    assert "vaerun list NAME" in printed


def test_a_group_is_printed_with_the_settings_of_its_choices(capsys: pytest.CaptureFixture[str]):
    show("prior", "likelihood")
    printed = capsys.readouterr().out
    for group in ("prior", "likelihood"):
        for choice in choices(group):
            for setting in settings_of_choice(group, choice):
                assert setting.key in printed
                assert setting.help in printed
    assert "objective=hfvae" not in printed


@pytest.mark.parametrize("group", ["dataset", "objective"])
def test_what_every_choice_of_a_group_has_is_printed_below(
    group: str, capsys: pytest.CaptureFixture[str]
):
    show(group)
    below = capsys.readouterr().out.partition(f"with every {group}")[2]
    for setting in shared_settings():
        if setting.key.startswith(f"{group}."):
            assert setting.help in below


@pytest.mark.parametrize(
    "section", ["training", "evaluation", "wandb", "objective.penalties", "objective.penalties.mmd"]
)
def test_a_section_is_printed_with_its_defaults(section: str, capsys: pytest.CaptureFixture[str]):
    show(section)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0].startswith(section)
    for setting in shared_settings():
        if setting.key.startswith(f"{section}.") and setting.default:
            name = setting.key.rpartition(".")[2]
            first = setting.default.split(" ")[0]
            rows = [line.split()[:2] for line in lines if line.endswith(setting.help)]
            assert [name, first] in rows


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("beta", "beta 1.0 a number or a schedule"),
        ("launcher.jobs", "launcher.jobs 8 jobs to submit"),
        (
            "prior.components",
            "with prior=mixture setting default meaning prior.components 4 number of normals",
        ),
        ("metrics.mig", "bins 20 bins of equal width per variable"),
        ("settings", "batch_size 128 images per step"),
    ],
)
def test_a_single_setting_is_explained(
    name: str, expected: str, capsys: pytest.CaptureFixture[str]
):
    show(name)
    assert expected in " ".join(capsys.readouterr().out.split())


def test_settings_that_look_like_markup_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str],
):
    show("architecture")
    assert "[400, 200]" in capsys.readouterr().out


def test_at_80_columns_nothing_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    show("training")
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines()) <= 80
    assert "there is always one at the end" in " ".join(printed.split())


def test_all_that_can_be_listed_is_offered():
    offered = names()
    assert len(offered) == len(set(offered))
    assert {"prior", "sweep", "launcher", "training", "beta", "objective.penalties.mmd"} <= set(
        offered
    )
    assert {"prior.temperature", "metrics.mig.bins", "architecture.widths"} <= set(offered)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("objectve", "did you mean 'objective'?"),
        ("sweeps", "did you mean 'sweep'?"),
        ("trainig", "did you mean 'training'?"),
        ("objective.penaltes.mmd", "did you mean 'objective.penalties.mmd'?"),
        ("xqzjw", f"groups: {', '.join((*GROUPS, 'sweep', *GRID_GROUPS))}"),
    ],
)
def test_an_unknown_name_is_refused(name: str, hint: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(UsageError) as refused:
        show("prior", name)
    assert refused.value.message == f"there is no group, section or setting '{name}'"
    assert refused.value.hint == hint
    assert capsys.readouterr().out == ""


def test_a_setting_with_a_value_is_refused():
    with pytest.raises(UsageError, match="list takes names"):
        show("beta=3")


def test_a_choice_is_explained_by_itself(capsys: pytest.CaptureFixture[str]):
    show("prior=laplace")
    printed = capsys.readouterr().out
    assert printed.startswith("prior=laplace")
    assert "scale" in printed
    assert "prior=normal" not in printed


@pytest.mark.parametrize(
    ("argument", "message", "hint"),
    [
        ("objective=hfvea", "unknown objective 'hfvea'", "did you mean 'hfvae'?"),
        ("objectve=hfvae", "list takes names and choices", "did you mean 'objective'?"),
        ("beta=3", "list takes names and choices, not settings such as 'beta=3'", "vaerun list"),
    ],
)
def test_what_is_no_choice_is_refused(argument: str, message: str, hint: str):
    with pytest.raises(UsageError) as refused:
        show(argument)
    assert message in refused.value.message
    assert hint in (refused.value.hint or "")

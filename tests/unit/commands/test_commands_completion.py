"""Shell completion: what may follow a line that has been typed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from runner.commands.arguments import read
from runner.commands.completion import candidates, complete
from runner.commands.manual import TRAIN
from runner.errors import UsageError


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("vaerun ", {"resume", "compare", "beta=", "objective=", "objective.", "sweep="}),
        ("vaerun eva", {"evaluate", "evaluation."}),
        ("vaerun objective=beta", {"objective=beta_vae", "objective=beta_tcvae"}),
        ("vaerun objective=vae objective.penalties.mmd.w", {"objective.penalties.mmd.weight="}),
        ("vaerun prior=mixture prior.comp", {"prior.components="}),
        ("vaerun sweep=sm", {"sweep=smoke"}),
        ("vaerun --d", {"--dry-run"}),
        ("vaerun -m --conf", {"--config-dir"}),
        ("vaerun compare --m", {"--metric"}),
        ("vaerun compare outputs --no", {"--no-figures"}),
        ("vaerun evaluate met", {"metrics="}),
        ("vaerun evaluate metrics=", {"metrics=fast", "metrics=none", "metrics=reference"}),
        ("vaerun list objective.pen", {"objective.penalties", "objective.penalties.mmd.weight"}),
        ("vaerun list ru", {"runs"}),
        ("vaerun list runs --", {"--sort", "--filter", "--csv", "--json"}),
        ("vaerun del", {"delete"}),
        ("vaerun fetch mn", {"mnist"}),
        ("vaerun resume laun", {"launcher="}),
    ],
)
def test_a_line_is_completed(line: str, among: set[str]):
    found = candidates(line)
    assert among <= set(found)
    last = "" if line.endswith(" ") else line.rsplit(maxsplit=1)[-1]
    assert all(each.startswith(last) for each in found)


@pytest.mark.parametrize("line", ["vaerun compare outp", "vaerun --nonsense beta", "vaerun x y"])
def test_unknown_arguments_are_left_to_the_shell(line: str):
    assert candidates(line) == []


def test_nothing_of_hydra_s_own_is_offered():
    found = candidates("vaerun ")
    assert not [each for each in found if each.startswith(("hydra", "schema", "local"))]
    assert len(found) == len(set(found))


def test_own_choices_are_completed(tmp_path: Path):
    (tmp_path / "objective").mkdir()
    (tmp_path / "objective" / "home_made.yaml").write_text("# @package _global_\nbeta: 2.0\n")
    line = f"vaerun --config-dir {tmp_path} objective=home"
    assert candidates(line) == ["objective=home_made"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_read_its_script(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    for what in ("install", "uninstall"):
        assert complete(read(TRAIN, ["-sc", f"{what}={shell}"])) == 0
        script = tmp_path / what
        script.write_text(capsys.readouterr().out)
        assert "vaerun" in script.read_text()
        if shutil.which(shell):
            subprocess.run([shell, "-n", str(script)], check=True)


def test_the_line_comes_from_the_shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COMP_LINE", "vaerun compare --h")
    assert complete(read(TRAIN, ["-sc", "query=bash"])) == 0
    assert capsys.readouterr().out.split() == ["--html", "--help"]


@pytest.mark.parametrize(
    ("argument", "message", "hint"),
    [
        ("install=bsh", "there is no completion for 'bsh'", "did you mean 'bash'?"),
        ("isntall=bash", "-sc takes install=SHELL or uninstall=SHELL", None),
    ],
)
def test_a_wrong_request_is_refused(argument: str, message: str, hint: str | None):
    with pytest.raises(UsageError) as refused:
        complete(read(TRAIN, ["-sc", argument]))
    assert refused.value.message == message
    assert hint is None or refused.value.hint == hint

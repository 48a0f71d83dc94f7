"""Wrong input: one line, the nearest valid name, the right exit code, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.end_to_end.conftest import Vaerun

CASES = [
    (["betta=12"], 2, "unknown setting 'betta'", "did you mean 'beta'?"),
    (["objective=hfvea"], 2, "unknown objective 'hfvea'", "did you mean 'hfvae'?"),
    (["beta=abc"], 2, "beta must be a number, or a schedule", None),
    (["+typo=1"], 2, "unknown setting 'typo'", None),
    ([""], 2, "cannot read '': a setting is written key=value", None),
    (["~steps"], 2, "cannot read '~steps'", None),
    (["=3"], 2, "cannot read '=3': a setting is written key=value", None),
    (["prior.nme=x"], 2, "unknown setting 'prior.nme'", "did you mean 'prior.name'?"),
    (["steps=-1"], 2, "steps must be at least 1, got -1", None),
    (["batch_size=1"], 2, "batch_size must be at least 2, got 1", None),
    (["steps=5", "epochs=1"], 2, "give steps or epochs, not both", None),
    (["prior.group_size=3"], 2, "must be a divisor of prior.dimensions=10", None),
    (["precision=bf61"], 2, "must be one of float32, bf16", "did you mean 'bf16'?"),
    (["sweep=smok"], 2, "unknown sweep 'smok'", "did you mean 'smoke'?"),
    (["-m", "beta=1,abc"], 2, "beta must be a number, or a schedule", None),
    (["beta=1", "-m", "gamma=1,abc"], 2, "gamma must be a number, or a schedule", None),
    (["beta=1,2"], 2, "beta=1,2 has several values", "-m trains a run for each"),
    (["sweep=smoke", "betta=3"], 2, "unknown setting 'betta'", "did you mean 'beta'?"),
    (["sweep=smoke", "only=9"], 2, "there is no run 9", "the grid has 0 to 3"),
    (["sweep=smoke", "only=x"], 2, "cannot read only=x", "only=3,7-9"),
    (["sweep=smoke", "--dryrun"], 2, "vaerun has no option '--dryrun'", "'--dry-run'"),
    (["sweep=smoke", "launcher=loca"], 2, "unknown launcher 'loca'", "did you mean 'local'?"),
    (["sweep=smoke", "launcher.processes=0"], 2, "launcher.processes must be at least 1", None),
    (["sweep=smoke", "hydra/launcher=joblib"], 2, "'hydra/launcher' is not used", "launcher=local"),
    (["only=3"], 2, "only, launcher and --dry-run are for grids", "sweep=NAME"),
    (["-m", "beta=interval(0,1)"], 2, "a grid needs values", None),
    (["resume", "nowhere", "x"], 2, "resume takes the folder of one run, or of one grid", None),
    (["resme", "x"], 2, "cannot read 'resme'", "did you mean 'resume'?"),
    (["resume", "nowhere"], 2, "'nowhere' is not a run folder", None),
    (["list", "objectve"], 2, "no group, section or setting 'objectve'", "'objective'?"),
    (["hydra/launcher=joblib"], 2, "'hydra/launcher' is not used", "launcher=local"),
    (["objective=null"], 2, "objective=null: there must be one", "vaerun list"),
    (["--config-dir", "nowhere"], 2, "--config-dir: there is no folder", None),
    (["--config-name", "x"], 2, "--config-name has no use here", "experiment=NAME"),
    (["--config-path=x"], 2, "--config-path has no use here", "--config-dir DIR"),
    (["--hydra-help"], 2, "--hydra-help has no use here", "vaerun --help"),
    (["--experimental-rerun", "x"], 2, "--experimental-rerun has no use here", "vaerun resume"),
    (["--run"], 2, "--run has no use here", "without it"),
    (["--cfg", "jb"], 2, "--cfg cannot be 'jb'", "did you mean 'job'?"),
    (["--cfg", "job", "--package", "objctive"], 2, "no section 'objctive'", "'objective'?"),
    (["--cfg", "job", "betta=1"], 2, "unknown setting 'betta'", "did you mean 'beta'?"),
    (["--resolve"], 2, "--resolve is used with --cfg", None),
    (["-sc", "install=bsh"], 2, "there is no completion for 'bsh'", "'bash'?"),
    (["resume", "x", "--quick"], 2, "resume has no option '--quick'", "vaerun resume --help"),
    (["evaluate", "x", "beta=1"], 2, "evaluate cannot change 'beta'", None),
    (["compare", "x", "--htlm", "y"], 2, "compare has no option '--htlm'", "'--html'?"),
    (["beta=[1"], 2, "cannot read", None),
    (["dataset=digits", "batch_size=5000"], 2, "more than the 1,500 training images", None),
    (["dataset=digits", "architecture=conv64"], 2, "conv64 takes 64x64 images", None),
    (["dataset=digits", "objective.group_information.zz=1"], 2, "the prior's groups are", None),
    (["dataset=digits", "out=taken"], 2, "taken", None),
    (["dataset=mnist", "data_dir=broken"], 3, "train-images-idx3-ubyte", "delete it"),
]


@pytest.mark.parametrize(("arguments", "code", "message", "hint"), CASES, ids=lambda v: str(v)[:40])
def test_wrong_input_is_reported_in_one_line(
    vaerun: Vaerun, tmp_path: Path, arguments: list[str], code: int, message: str, hint: str | None
):
    (tmp_path / "taken").write_text("a file where a folder should go")
    raw = tmp_path / "broken" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x0f")
    done = vaerun(*arguments)
    lines = done.stderr.splitlines()
    errors = [i for i, line in enumerate(lines) if line.startswith("error: ")]
    assert done.returncode == code, done.stderr
    assert len(errors) == 1
    assert message in lines[errors[0]]
    assert len(lines) <= errors[0] + 2  # at most one line of advice follows
    if hint:
        assert hint in lines[errors[0] + 1]
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens where there is no CUDA")
def test_a_missing_gpu_is_named(vaerun: Vaerun):
    done = vaerun("dataset=digits", "device=cuda")
    assert done.returncode == 2
    assert "error: device=cuda is not on this machine, which has" in done.stderr


def test_a_traceback_is_shown_on_request(vaerun: Vaerun):
    done = vaerun("betta=12", HYDRA_FULL_ERROR="1")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "ConfigCompositionException" in done.stderr
    assert "error: unknown setting 'betta'" in done.stderr.splitlines()


def test_settings_that_are_refused_leave_no_folder(vaerun: Vaerun, tmp_path: Path):
    vaerun("betta=12")
    vaerun("steps=-1")
    assert not (tmp_path / "outputs").exists()

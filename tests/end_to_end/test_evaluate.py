"""``vaerun evaluate`` on the command line: finished runs, grids, and files of codes."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import Vaerun
from tests.read_wandb import find_logs, read_wandb

DIGITS = (
    "dataset=digits",
    "architecture.widths=[16]",
    "steps=3",
    "evaluation.encodings=100",
    "evaluation.map_points=20",
)
FEW = ("metrics=fast", "metrics.images=200")


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def runs_in(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.glob("outputs/**/status.json"))


def test_a_run_is_scored_after_training_and_again_by_evaluate(vaerun: Vaerun, tmp_path: Path):
    done = vaerun(*DIGITS, *FEW)
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(tmp_path)
    first = read(run / "scores.json")
    assert first["of"] == {"step": 3}
    assert 0 <= first["scores"]["mean/linear_probe"]["scores"]["linear_probe"] <= 1
    assert "needs 2 factors" in first["scores"]["mean/factor_vae"]["refused"]

    again = vaerun("evaluate", str(run), *FEW)
    assert again.returncode == 0, again.stderr
    assert "all there already" in again.stderr
    assert again.stdout.strip() == str(run)
    assert read(run / "scores.json") == first

    other = vaerun("evaluate", str(run), *FEW, "metrics.mig.bins=5", "metrics.codes=[mean,sampled]")
    assert other.returncode == 0, other.stderr
    assert "mean/mig" in other.stderr
    assert "mean/sap" not in other.stderr
    later = read(run / "scores.json")["scores"]
    assert later["mean/mig"]["settings"]["bins"] == 5
    assert later["mean/sap"] == first["scores"]["mean/sap"]
    assert later["sampled/mig"]["scores"] != later["mean/mig"]["scores"]


def test_scores_are_added_to_their_run_on_wandb(vaerun: Vaerun, tmp_path: Path):
    assert vaerun(*DIGITS, "metrics=none", WANDB_MODE="offline").returncode == 0
    (run,) = runs_in(tmp_path)
    done = vaerun("evaluate", str(run), *FEW, WANDB_MODE="offline")
    assert done.returncode == 0, done.stderr
    trained, evaluated = (read_wandb(log) for log in find_logs(run))
    assert trained.about["id"] == evaluated.about["id"]
    assert evaluated.exit_code == 0
    scores = read(run / "scores.json")["scores"]
    for key in ("mean/mig", "mean/linear_probe", "model/reconstruction"):
        for name, value in scores[key]["scores"].items():
            at = f"scores/{key.partition('/')[0]}/{name}"  # as in compare
            assert evaluated.summary[at] == pytest.approx(value)
    assert any(key.startswith("figures/pruning") for key in evaluated.summary)
    assert (run / "figures" / "pruning.png").read_bytes()[:4] == b"\x89PNG"


def test_held_out_images_are_evaluated_separately(vaerun: Vaerun, tmp_path: Path):
    done = vaerun(
        "dataset=digits",
        "debug=default",
        "metrics=fast",
        "metrics.images=100",
        "dataset.hold_out={label: [3, 4]}",
    )
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(tmp_path)
    found = read(run / "scores.json")["scores"]["model/reconstruction"]["scores"]
    parts = [found[f"reconstruction/{part}nats"] for part in ("", "trained/", "held_out/")]
    assert all(part > 0 for part in parts)
    assert parts[1] != parts[2]
    assert (run / "figures" / "held_out.png").read_bytes()[:4] == b"\x89PNG"


def test_a_grid_is_scored_and_ranked_although_one_run_is_bad(vaerun: Vaerun, tmp_path: Path):
    trained = vaerun("-m", *DIGITS, "seed=0,1,2", "metrics=none")
    assert trained.returncode == 0, trained.stderr
    runs = runs_in(tmp_path)
    assert len(runs) == 3
    assert not any((run / "scores.json").exists() for run in runs)
    (runs[1] / "checkpoint" / "state.json").write_text("{")
    done = vaerun("evaluate", str(runs[0].parent), *FEW)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    assert done.stdout.split() == [str(runs[0]), str(runs[2])]
    ranked = read(runs[2] / "scores.json")["scores"]["mean/udr"]
    assert ranked["runs"] == [str(runs[0])]
    assert 0 <= ranked["scores"]["udr_lasso"] <= 1
    assert 0 <= ranked["scores"]["udr_spearman"] <= 1


def test_codes_from_a_file_are_evaluated(vaerun: Vaerun, tmp_path: Path):
    factors = np.array(list(product(range(4), range(5), range(3))))
    np.savez(tmp_path / "codes.npz", codes=factors[:, ::-1] * -2.0, factors=factors)
    done = vaerun("evaluate", "--codes", "codes.npz", "metrics=fast")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "codes.scores.json"
    scores = read(tmp_path / "codes.scores.json")["scores"]
    assert scores["codes/mig"]["scores"]["mig"] == pytest.approx(1, abs=0.01)
    assert scores["codes/factor_vae"]["scores"]["factor_vae"] == 1
    assert scores["codes/modularity"]["scores"]["modularity"] == pytest.approx(1, abs=0.01)
    again = vaerun("evaluate", "--codes=codes.npz", "metrics=fast")
    assert "all there already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        ([], 2, "evaluate takes run folders, or a file of codes", "vaerun evaluate DIR"),
        (["nowhere"], 2, "'nowhere' is not a run folder", "there is no such folder"),
        (["."], 2, "'.' is not a run folder", "a run folder is outputs/"),
        ([".", "metrics=refrence"], 2, "unknown metrics 'refrence'", "did you mean 'reference'?"),
        ([".", "beta=3"], 2, "evaluate cannot change 'beta'", "it can change metrics"),
        ([".", "--code", "x"], 2, "evaluate has no option '--code'", "did you mean '--codes'?"),
        (["--codes"], 2, "--codes needs a value, FILE.npz", "vaerun evaluate"),
        (["--codes", "none.npz"], 3, "'none.npz' cannot be read", ""),
        ([".", "--codes", "none.npz"], 2, "evaluate takes run folders, or a file of codes", ""),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(
    vaerun: Vaerun, arguments: list[str], code: int, message: str, hint: str
):
    done = vaerun("evaluate", *arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

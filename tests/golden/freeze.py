"""Writes down what short runs of the program compute, so that a rebuilding can be refereed.

    python tests/golden/freeze.py record            replace frozen.json by what the program does now
    python tests/golden/freeze.py check             run everything again, and say what differs
    python tests/golden/freeze.py check --keep DIR  leave the texts behind the digests there

Each command of ``COMMANDS`` runs as a process of its own in an empty folder. Of what it leaves,
``frozen.json`` keeps a SHA-256 of the parameters, of the records without their speed, of the
summary and the scores without their times, of ``configurations.csv`` and ``runs.csv`` without times
and of the visible text of the page without its times. The digests hold on the machine that made
them (processor and torch are named in the file): on others the last bits of a sum differ, and only
``figures`` is compared, within ``TOLERANCE``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

FROZEN = Path(__file__).with_name("frozen.json")
TOLERANCE = 0.05
"""Relative difference of a figure of two machines after a few dozen steps of Adam."""

_SMALL = ("evaluation.encodings=512", "evaluation.map_points=64", "evaluation.traversal_steps=3")
_MLP = ("architecture=mlp", "architecture.widths=[64]")
_RUN = (*_SMALL, "steps=40", "training.record_every=10", "device=cpu", "name=frozen")

COMMANDS: dict[str, tuple[str, ...]] = {
    "hfvae": (
        "objective=hfvae", "beta=12", "gamma=4", "metrics=none", "batch_size=32",
        "architecture=conv64", "learning_rate=0.001", *_RUN,
    ),
    "concrete_normal": (
        "dataset=digits", "prior=concrete_normal", "objective=beta_vae", "beta=4",
        "objective.group_information={first: -5}", *_MLP, *_RUN,
    ),
    "factor_vae": (
        "dataset=digits", "objective=factor_vae", "objective.encodings=512",
        "objective.penalties.discriminator.widths=[32]",
        "gamma={linear: {from: 0, to: 10, over: 20}}", *_MLP, *_RUN,
    ),
    "denoising_ae": ("dataset=digits", "objective=denoising_ae", *_MLP, *_RUN),
    "nested": (
        "dataset=digits", "prior=nested", "objective=hfvae", "objective.levels=[4,2]",
        "likelihood=gaussian", "metrics=none", *_MLP, *_RUN,
    ),
    "penalties": (
        "dataset=digits", "prior=mixture", "objective=info_vae",
        "objective.penalties.moments.off_diagonal=1",
        "objective.penalties.capacity.weight=2", "metrics=none", *_MLP, *_RUN,
    ),
    "held_out": (
        "objective=beta_tcvae", "dataset.hold_out={shape: heart, scale: [5]}", "metrics=none",
        "architecture=mlp", "architecture.widths=[16]", "batch_size=16", "learning_rate=0.001",
        *_RUN,
    ),
    "pinwheel": ("experiment=pinwheel", *_RUN[:3], "epochs=40", "device=cpu", "name=frozen"),
    "grid": (
        "sweep=smoke", "metrics=none", "steps=40", *_MLP, "evaluation.encodings=512",
        "device=cpu", "out=.",
    ),
}  # fmt: skip
"""Name → arguments of ``vaerun``; the last is a grid of four, which is compared afterwards."""

_TIMES = ("seconds", "images_per_second", "begun", "images/s")
"""Parts of the names of what differs from run to run."""


def machine() -> dict[str, str]:
    """Return what decides over the last bits."""
    import torch

    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        match = re.search(r"model name\s*: (.*)", cpuinfo.read_text())
        model = match[1] if match else model
    return {"processor": model or platform.machine(), "torch": torch.__version__}


def run_all(place: Path) -> dict[str, dict[str, str]]:
    """Run every command in ``place`` and return command → name of a result → its text."""
    found = {}
    for name, words in COMMANDS.items():
        folder = place / name
        folder.mkdir(parents=True)
        (path,) = _vaerun(folder, *words).split()
        if name != "grid":
            found[name] = dict(_results_of_run(folder / path))
            continue
        _vaerun(folder, "compare", path, "--by", "beta", "--against", "beta=1")
        texts = {
            f"{number}/{key}": text
            for number in range(4)
            for key, text in _results_of_run(folder / path / str(number))
        }
        found[name] = texts | dict(_results_of_comparison(folder / path / "comparison"))
    return found


def figures(results: dict[str, dict[str, str]]) -> dict[str, float]:
    """Return a few numbers of each command that any machine should come near."""
    found = {}
    for name, texts in results.items():
        for key, text in texts.items():
            if key.endswith("records"):
                found[f"{name}/{key}/loss"] = float(json.loads(text)[-1]["loss"])
            if key.endswith("summary") and (elbo := json.loads(text)["elbo"]) is not None:
                found[f"{name}/{key}/elbo"] = float(elbo)
    return found


def digests(results: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the SHA-256 of every result."""
    return {
        name: {key: hashlib.sha256(text.encode()).hexdigest() for key, text in texts.items()}
        for name, texts in results.items()
    }


def differences(frozen: dict[str, Any], results: dict[str, dict[str, str]]) -> list[str]:
    """Return what differs from the frozen results, a line each."""
    if frozen["machine"] == machine():
        now = digests(results)
        places = {(c, key) for c, texts in now.items() for key in texts}
        places |= {(c, key) for c, texts in frozen["digests"].items() for key in texts}
        return [
            f"{command}: {key}"
            for command, key in sorted(places)
            if frozen["digests"].get(command, {}).get(key) != now.get(command, {}).get(key)
        ]
    now = figures(results)
    return [
        f"{name}: {now.get(name)} where it was {value}"
        for name, value in frozen["figures"].items()
        if not math.isclose(now.get(name, math.nan), value, rel_tol=TOLERANCE)
    ]


def _vaerun(folder: Path, *words: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "HYDRA_"))}
    environment |= {"HOME": str(folder), "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    command = [str(Path(sys.executable).with_name("vaerun")), *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout if words[0] != "compare" else ""


def _results_of_run(folder: Path) -> Iterator[tuple[str, str]]:
    from safetensors.numpy import load_file

    state = json.loads((folder / "checkpoint" / "state.json").read_text())
    tensors = {
        name: [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
        for stem in state["files"].values()
        for name, value in load_file(folder / "checkpoint" / stem["name"]).items()
    }
    yield "parameters", _text(tensors)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    yield "records", _text([_timeless(json.loads(line)) for line in lines])
    for name in ("summary", "scores"):
        path = folder / f"{name}.json"
        if path.exists():
            yield name, _text(_timeless(json.loads(path.read_text())))


def _results_of_comparison(folder: Path) -> Iterator[tuple[str, str]]:
    from tests.read_html import tree_of

    for name in ("configurations", "runs", "differences"):
        table = list(csv.reader(io.StringIO((folder / f"{name}.csv").read_text())))
        kept = [i for i, title in enumerate(table[0]) if not _is_time(title)] if table else []
        yield f"{name}.csv", "\n".join(",".join(row[i] for i in kept) for row in table)
    page = tree_of((folder / "comparison.html").read_text())
    for hidden in ("script", "style"):
        for element in page.all(hidden):
            element.children.clear()
    text = "\n".join(line.strip() for line in page.text.splitlines() if line.strip())
    yield "page", re.sub(r"\b\d{4}-\d\d-\d\d\b|\b\d+(\.\d+)? (s|min|h)\b", "TIME", text)


def _is_time(name: str) -> bool:
    return any(part in name for part in _TIMES)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if not _is_time(key)}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def _text(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True)


def _keep(results: dict[str, dict[str, str]], place: Path) -> None:
    for name, texts in results.items():
        for key, text in texts.items():
            path = place / name / f"{key.replace('/', '_')}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def main() -> int:
    """Record or check, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("record", "check"))
    parser.add_argument("--keep", type=Path, help="folder for the texts behind the digests")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        results = run_all(Path(place))
    if asked.keep:
        _keep(results, asked.keep)
    if asked.what == "record":
        content = {"command": "python tests/golden/freeze.py record", "machine": machine()}
        content |= {"digests": digests(results), "figures": figures(results)}
        FROZEN.write_text(json.dumps(content, indent=1) + "\n")
        return 0
    found = differences(json.loads(FROZEN.read_text()), results)
    sys.stdout.write("".join(f"differs: {line}\n" for line in found) or "all is as it was\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

"""Checkpoints: restored bit for bit, and complete whenever the process is killed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from runner.errors import DataError, UsageError
from runner.store.checkpoint import Checkpoint, load, save


def checkpoint(step: int, fill: float | None = None) -> Checkpoint:
    """All tensors hold ``fill``, by default the step."""
    value = step if fill is None else fill
    model = {"weight": torch.full((3, 4), float(value)), "bias": torch.full((3,), float(value))}
    optimizer = {"weight/step": torch.tensor(float(value))}
    return Checkpoint({"model": model, "optimizer": optimizer}, {"step": step, "fill": value})


def bits(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def same(left: Checkpoint, right: Checkpoint) -> bool:
    """Whether two checkpoints agree to the last bit."""

    def content(checkpoint: Checkpoint) -> object:
        return {
            stem: {name: (t.dtype, t.shape, bits(t).tolist()) for name, t in tensors.items()}
            for stem, tensors in checkpoint.tensors.items()
        }

    return left.state == right.state and content(left) == content(right)


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    values = torch.tensor([0.1, -0.0, float("inf"), 1e-42, 3.4e38])
    model = {
        "float32": values,
        "float64": values.double() / 3,
        "bfloat16": values.bfloat16(),
        "int64": torch.tensor([-(2**62), 2**62 + 1]),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(0.1),
        "empty": torch.empty(0, 3),
        "transposed": torch.arange(6.0).view(2, 3).t(),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    saved = Checkpoint({"model": model, "optimizer": {}}, {"step": 7, "wandb_id": "a1β"})
    save(tmp_path / "checkpoint", saved)
    assert same(load(tmp_path / "checkpoint"), saved)


def test_loaded_tensors_can_be_trained_further(tmp_path: Path) -> None:
    save(tmp_path, checkpoint(3))
    weight = load(tmp_path).tensors["model"]["weight"]
    weight.add_(1)
    assert torch.equal(weight, torch.full((3, 4), 4.0))


def test_tensors_that_share_memory_are_kept_apart(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    save(tmp_path, Checkpoint({"model": {"a": whole, "b": whole[2:]}}, {"step": 0}))
    assert load(tmp_path).tensors["model"]["b"].tolist() == [2, 3, 4, 5]


def test_nothing_is_pickled(tmp_path: Path) -> None:
    save(tmp_path, checkpoint(1500))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split("-")[:2] for name in names[:2]] == [
        ["model", "00001500"],
        ["optimizer", "00001500"],
    ]
    assert names[2:] == ["state.json"]
    for path in tmp_path.glob("*.safetensors"):
        header = int.from_bytes(path.read_bytes()[:8], "little")
        assert json.loads(path.read_bytes()[8 : 8 + header])


def test_a_state_without_a_step_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="whole number 'step'"):
        save(tmp_path, Checkpoint({}, {"wandb_id": "a"}))


class Killed(BaseException):
    """The process died: nothing after this has happened."""


def dying(calls: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator; decorated functions succeed ``calls`` times in all, then fail."""
    left = [calls]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return function(*args, **kwargs)

        return call

    return decorate


def save_and_die(folder: Path, new: Checkpoint, calls: int) -> bool:
    """Return whether the save succeeded before the process died at a system call."""
    mortal = dying(calls)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "fsync", "unlink"):
            patch.setattr(os, name, mortal(getattr(os, name)))
        try:
            save(folder, new)
        except Killed:
            return False
    return True


@pytest.mark.parametrize(
    "new",
    [checkpoint(2), checkpoint(1, fill=9), checkpoint(1)],
    ids=["another step", "the same step", "the same checkpoint"],
)
def test_death_at_any_system_call_leaves_the_old_or_the_new(
    tmp_path: Path, new: Checkpoint
) -> None:
    old, seen = checkpoint(1), set[bool]()
    for calls in range(100):
        folder = tmp_path / str(calls)
        save(folder, old)
        survived = save_and_die(folder, new, calls)
        loaded = load(folder)
        assert same(loaded, old) or same(loaded, new)
        seen.add(same(loaded, new))
        save(folder, checkpoint(3))
        assert same(load(folder), checkpoint(3))
        assert len(list(folder.iterdir())) == 3
        if survived:
            break
    assert survived
    assert same(loaded, new)
    assert calls >= 9  # three files, each with two fsyncs and a rename
    assert seen == ({True} if same(old, new) else {False, True})


def test_files_of_a_broken_save_are_deleted_by_the_next(tmp_path: Path) -> None:
    save(tmp_path, checkpoint(1))
    for name in ("model-00000009-abc.safetensors", ".model-00000009-abc.safetensors.tmp"):
        (tmp_path / name).write_bytes(b"half of")
    (tmp_path / "notes.txt").write_text("the user's own")
    save(tmp_path, checkpoint(2))
    assert same(load(tmp_path), checkpoint(2))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [
        ".json",
        ".safetensors",
        ".safetensors",
        ".txt",
    ]


def test_no_checkpoint_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"'{tmp_path}' has no checkpoint"):
        load(tmp_path / "checkpoint")


@pytest.mark.parametrize("stem", ["model", "optimizer"])
def test_a_damaged_file_is_named(tmp_path: Path, stem: str) -> None:
    save(tmp_path, checkpoint(1))
    (path,) = tmp_path.glob(f"{stem}-*")
    content = path.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    for damaged in (b"", content[:-1], content + b"\0", flipped):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=f"{path.name}' is truncated or corrupt"):
            load(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=f"{path.name}' is missing"):
        load(tmp_path)


def test_a_file_that_is_not_safetensors_is_refused(tmp_path: Path) -> None:
    save(tmp_path, checkpoint(1))
    (path,) = tmp_path.glob("model-*")
    path.write_bytes(b"not tensors")
    commit = json.loads((tmp_path / "state.json").read_text())
    commit["files"]["model"]["sha256"] = hashlib.sha256(b"not tensors").hexdigest()
    (tmp_path / "state.json").write_text(json.dumps(commit))
    with pytest.raises(DataError, match="not a safetensors file"):
        load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        '{"state": {"step": 1}, "fil',
        "[]",
        '{"state": {"step": 1}}',
        '{"state": {"step": "1"}, "files": {}}',
        '{"state": {}, "files": {}}',
        '{"state": {"step": 1}, "files": {"model": {"name": "../../model.safetensors"}}}',
        '{"state": {"step": 1}, "files": ["model"]}',
    ],
)
def test_a_damaged_state_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(DataError, match=r"state.json' is corrupt"):
        load(tmp_path)


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from runner.store.checkpoint import Checkpoint, load, save

torch.set_num_threads(1)
folder, luck = Path(sys.argv[1]), random.Random(0)

def save_for_ever(step):
    while True:
        step += 1
        tensors = {str(n): torch.full((200, 200), float(step)) for n in range(4)}
        save(folder, Checkpoint({"model": tensors, "optimizer": dict(tensors)}, {"step": step}))

save(folder, Checkpoint({"model": {}, "optimizer": {}}, {"step": 0}))
step = 0
for kill in range(8):
    child = os.fork()
    if child == 0:
        save_for_ever(step)
    time.sleep(luck.uniform(0.05, 0.35))
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    loaded = load(folder)
    assert loaded.state["step"] >= step
    step = loaded.state["step"]
    assert loaded.tensors.keys() == {"model", "optimizer"}
    for tensors in loaded.tensors.values():
        assert len(tensors) == (4 if step else 0)
        assert all(torch.all(tensor == step) for tensor in tensors.values())
save(folder, Checkpoint({}, {"step": step + 1}))
assert [path.name for path in folder.iterdir()] == ["state.json"]
print("steps saved:", step)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_sigkill_at_any_moment_leaves_one_whole_checkpoint(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split(":")[1]) > 8

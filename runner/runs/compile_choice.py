"""Whether the steps of a run are compiled, decided before the first of them.

``training.compile=auto`` compiles where steps x gain > cost. Both are measured once for a network,
an objective and a machine, and kept in the user's cache folder. Runs of less than a quarter of an
hour, of which a trial may cost more than it saves, import nothing of the compiler.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import platformdirs
import torch
from filelock import FileLock

from runner.config import AUTO
from runner.console.run_display import print_note
from runner.errors import UsageError, VaerunError
from runner.runs.preparation import PreparedRun
from runner.store.json_file import read_json, write_json
from runner.training import (
    CompilerError,
    Trial,
    describe_device,
    missing_compiler,
    seconds_of_a_step,
    try_compiler,
)
from runner.training.packed import Member

_WORTH_TRYING = 900.0
"""Seconds of steps that are left; of less, a trial of one or two minutes may take more than it
saves."""

_MOST_PAIRS = 2**20
"""Variables of all pairs of samples and encodings, above which the sweep of the estimate of q(z),
which is not compiled, is faster than its compiled form; and compiling that takes minutes."""

_FEWEST_STEPS = 300
"""Of fewer, no step is timed: they would have to take a second each."""


class _Kept(msgspec.Struct):
    plain: float | None = None
    compiled: float | None = None
    cost: float | None = None
    cost_again: float | None = None
    failure: str | None = None


def choose_compile(run: PreparedRun) -> PreparedRun:
    """Return a run whose ``training.compile`` is true or false, and its header's line about it.

    Raises: UsageError when ``training.compile=true`` and this machine has no compiler.
    """
    asked, missing = run.config.training.compile, missing_compiler(run.device)
    if asked is True and missing:
        hint = "training.compile=auto compiles where it can"
        raise UsageError(f"training.compile=true needs {missing}, and there is none", hint)
    if asked is True and run.method.member(run.config, run.steps) is None:
        name = run.config.objective.name
        message = f"training.compile=true: objective={name} has no steps that can be compiled"
        raise UsageError(message, "training.compile=auto compiles where it can")
    if asked != AUTO:
        return run
    left, wanted, line = run.steps - run.step, False, None
    member = run.method.member(run.config, run.steps)
    if (
        member is not None
        and missing is None
        and left >= _FEWEST_STEPS
        and not _has_many_pairs(member)
    ):
        parts = member.state, member.objective, member.dataset, member.config
        seconds = left * seconds_of_a_step(*parts)
        if seconds > _WORTH_TRYING:
            trial, is_new = _measured(run, member, lambda: try_compiler(*parts))
            wanted, line = _decision(trial, left, is_new=is_new)
    return replace(_chosen(run, compiles=wanted), compile_line=line)


def _has_many_pairs(member: Member) -> bool:
    batch, bank = member.config.batch_size, member.config.objective.encodings
    pairs = batch * max(batch, bank or 0) * member.state.model.latents.width
    return member.objective.plan.needs_aggregate_posterior and pairs > _MOST_PAIRS


def without_compiling(run: PreparedRun) -> PreparedRun:
    """Return a run whose steps are not compiled unless it asks for that."""
    return _chosen(run, compiles=False) if run.config.training.compile == AUTO else run


def _chosen(run: PreparedRun, *, compiles: bool) -> PreparedRun:
    training = replace(run.config.training, compile=compiles)
    return replace(run, config=replace(run.config, training=training))


def _decision(trial: Trial | str, steps: int, *, is_new: bool) -> tuple[bool, str]:
    """Return whether to compile, and why in one line."""
    if isinstance(trial, str):
        return False, f"no, the compiler failed: {trial}"
    times = f"{10 * trial.compiled:.3g} s instead of {10 * trial.plain:.3g} s per 10 steps"
    cost = trial.cost_again  # the trial, or an earlier one on this machine, has filled its cache
    saved = steps * (trial.plain - trial.compiled) - cost
    if saved <= 0:
        return False, f"no, {times} would not make up for {cost:.0f} s of compiling"
    tried = f", after a trial of {trial.cost + cost:.0f} s" if is_new else ""
    return True, f"yes, {times}, saves about {_duration(saved)}{tried}"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _measured(
    run: PreparedRun, member: Member, measure: Callable[[], Trial]
) -> tuple[Trial | str, bool]:
    """Return what is known of such a run's steps on this machine, and whether it is new.

    Of several runs that ask at once, one measures and the others wait.
    """
    folder = Path(platformdirs.user_cache_dir("vaerun")) / "compile"
    path = folder / f"{_key(run, member)}.json"
    lock = _lock(path)
    try:
        if (found := _read(path)) is not None:
            return found, False
        print_note(run.console, "trying what compiling the steps would save, once on this machine")
        try:
            found = measure()
        except CompilerError as error:
            found = error.message
        with suppress(OSError, VaerunError):
            kept = {"failure": found} if isinstance(found, str) else asdict(found)
            write_json(path, kept)
        return found, True
    finally:
        if lock is not None:
            lock.release()


def _lock(path: Path) -> FileLock | None:
    """Return the lock of a measurement, taken; None where there is no place for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"))
        lock.acquire()
    except (OSError, NotImplementedError):
        return None
    return lock


def _read(path: Path) -> Trial | str | None:
    """Return a measurement that was kept, or None where there is none that can be read."""
    try:
        kept = msgspec.convert(read_json(path, _Kept), _Kept)
    except (VaerunError, OSError):
        return None
    if kept.failure is not None:
        return kept.failure
    if None in (kept.plain, kept.compiled, kept.cost, kept.cost_again):
        return None
    return Trial(*(float(v or 0) for v in (kept.plain, kept.compiled, kept.cost, kept.cost_again)))


def _key(run: PreparedRun, member: Member) -> str:
    """Return a digest of everything that the speed of a step depends on."""
    config, model = run.config, member.state.model
    shapes = [(name, tuple(p.shape)) for name, p in model.state_dict().items()]
    parts = (
        torch.__version__, config.precision, config.batch_size, config.objective.encodings,
        run.dataset.name, run.dataset.shape, repr(model), shapes,
        replace(member.objective.plan, dataset_size=0), config.prior, config.likelihood,
        describe_device(run.device), _processor(), os.cpu_count(),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _processor() -> str:
    """Return the model of the processor, as well as it is known."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

"""What a run folder says of its run: the settings and ``status.json``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from runner import config as settings
from runner import memory
from runner.errors import DivergedError, InterruptedRun, PrunedRun
from runner.runs.clock import Clock
from runner.runs.preparation import PreparedRun
from runner.store import provenance
from runner.store.run_folder import RunFolder
from runner.store.signature import sign
from runner.training import describe_device


def write_settings(run: PreparedRun, unresolved: str | None) -> None:
    """Write the settings and the state of a run that begins, or goes on."""
    folder, text = run.folder, settings.to_yaml(run.config)
    if unresolved is not None:
        folder.write_unresolved(unresolved)
    sign(folder.path / "config.yaml", text.encode())
    folder.write_config(text)
    folder.update_status(
        state="running",
        error=None,
        **provenance.process(),
        versions=provenance.versions(),
        git_revision=provenance.git_revision(),
        step=run.step,
        steps=run.steps,
        train_images=run.dataset.train.size,
        device=describe_device(run.device),
        **_of_images(run),
    )
    folder.rewind_records(run.step)


def _of_images(run: PreparedRun) -> dict[str, object]:
    """Return what ``status.json`` says of the user's own images, and of validations."""
    digest, part = run.dataset.digest, run.dataset.validation
    found: dict[str, object] = {} if digest is None else {"images_digest": digest}
    if part is not None:
        stopped = run.folder.read_status().get("stopped_early") if run.is_stopped else None
        found |= {"validation_images": part.size, "stopped_early": stopped}
    return found


@contextmanager
def record_status(folder: RunFolder, clock: Clock) -> Generator[list[str]]:
    """Write to ``status.json`` how long the run took, and the state and error if it failed.

    The error begins with what was done at that time, which is added to the list that it yields.
    """
    before = float(folder.read_status().get("seconds") or 0.0)
    story: list[str] = []
    try:
        yield story
    except BaseException as error:
        stopped = isinstance(error, (InterruptedRun, KeyboardInterrupt, GeneratorExit))
        ending = "diverged" if isinstance(error, DivergedError) else "failed"
        too_little = memory.failure(error)
        lines = str(too_little or error).splitlines() or [type(error).__name__]
        at = "" if stopped else "".join(story[-1:])
        state = "interrupted" if stopped else ending
        state = "pruned" if isinstance(error, PrunedRun) else state
        folder.update_status(state=state, error=f"{at}{lines[0]}")
        if too_little is not None:
            raise too_little from error
        raise
    finally:
        folder.update_status(seconds=round(before + clock.now(), 1))

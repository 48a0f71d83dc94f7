"""The view of compared runs on W&B."""

from __future__ import annotations

from runner.comparison.configurations import Comparison
from runner.errors import UsageError
from runner.store.signature import is_own

View = tuple[str | None, str, str | None]
"""Entity, project and group on W&B."""


def view_of(comparison: Comparison, *, trusted: bool) -> View:
    """Return where the runs are on W&B.

    Raises: UsageError when they are not in one place there, or are not this user's; or as
        :func:`runner.tracking.workspace.require`.
    """
    from runner.tracking.workspace import require

    entity, project, group = (_agreed(comparison, key) for key in ("entity", "project", "group"))
    strange = [run for run in comparison.runs if not is_own(run.path / "config.yaml")]
    if strange and not trusted:
        place = "/".join(name for name in (entity, project) if name)
        raise UsageError(
            f"'{strange[0].path}' is not known as yours: the view would go to {place} on W&B",
            "--trust saves it there",
        )
    require()
    return entity, str(project), group


def save_view(comparison: Comparison, view: View) -> str:
    """Save a view of these runs on W&B, and return where it is."""
    from runner.tracking.workspace import save_workspace

    entity, project, group = view
    return save_workspace(
        entity,
        project,
        group,
        name=group or project,
        metrics=comparison.metrics,
        by=comparison.by,
    )


def _agreed(comparison: Comparison, key: str) -> str | None:
    values = list(dict.fromkeys(run.settings.get(f"wandb.{key}") for run in comparison.runs))
    if len(values) > 1:
        words = " and ".join(str(value) for value in values[:2])
        hint = "compare runs of one sweep, or leave out --wandb"
        raise UsageError(f"these runs differ in wandb.{key}: {words}", hint)
    return None if values[0] is None else str(values[0])

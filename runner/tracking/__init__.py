"""All that outlives the process: the run folder, its checkpoints, the console, W&B."""

from __future__ import annotations

from runner.tracking import provenance
from runner.tracking.checkpoint import Checkpoint
from runner.tracking.checkpoint import load as load_checkpoint
from runner.tracking.checkpoint import save as save_checkpoint
from runner.tracking.console import (
    Display,
    make_console,
    print_error,
    print_settings,
    print_summary,
)
from runner.tracking.folder import RunFolder
from runner.tracking.interrupt import Interrupt
from runner.tracking.ledger import Ledger
from runner.tracking.run_folders import runs_beneath
from runner.tracking.scoring import ScoreDisplay
from runner.tracking.speed import Speed
from runner.tracking.wandb_mode import require_server
from runner.tracking.wandb_run import WandbRun
from runner.tracking.wandb_upload import Uploads, is_uploaded, offline_logs

__all__ = [
    "Checkpoint",
    "Display",
    "Interrupt",
    "Ledger",
    "RunFolder",
    "ScoreDisplay",
    "Speed",
    "Uploads",
    "WandbRun",
    "is_uploaded",
    "load_checkpoint",
    "make_console",
    "offline_logs",
    "print_error",
    "print_settings",
    "print_summary",
    "provenance",
    "require_server",
    "runs_beneath",
    "save_checkpoint",
]

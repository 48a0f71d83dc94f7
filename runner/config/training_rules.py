"""What the settings of the loop, of its validation and of its start must be; see ``rules``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from runner.config.metrics_schema import SHARED, MetricsConfig
from runner.config.rule import Rule
from runner.config.schema import RunConfig
from runner.config.training_schema import AUTO, CHECKPOINTS, PARTS, InitConfig, ValidationConfig
from runner.errors import UsageError, nearest

_OF_SEVERAL_RUNS = ("udr",)


def training_choices(config: RunConfig) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (key, value, what it may be) of settings that are one of a few words."""
    yield "evaluation.checkpoint", config.evaluation.checkpoint, (AUTO, *CHECKPOINTS)
    yield "init.checkpoint", config.init.checkpoint, CHECKPOINTS
    for part in config.init.only:
        yield "init.only", part, PARTS


def training_rules(config: RunConfig) -> Iterator[Rule]:
    """Yield the rules of what happens in the loop and before it."""
    yield from _validation_rules(config.validation)
    stop = config.training.stop_early
    patience = stop.patience
    key = "training.stop_early"
    yield f"{key}.patience", patience, "at least 1, or null", patience is None or patience >= 1
    yield f"{key}.min_delta", stop.min_delta, "at least 0", stop.min_delta >= 0
    decay = config.training.weight_decay
    holds = 0 <= decay < math.inf
    yield "training.weight_decay", decay, "zero or a positive finite number", holds
    yield f"{key}.after", stop.after, "at least 0", stop.after >= 0
    yield from _init_rules(config)


def _validation_rules(validation: ValidationConfig) -> Iterator[Rule]:
    every, images = validation.every, validation.images
    yield "validation.every", every, "at least 1, or null", every is None or every >= 1
    is_share, is_number = 0 < images < 1, images >= 2 and images.is_integer()
    rule = "a number of images, at least 2, or a share between 0 and 1"
    yield "validation.images", images, rule, is_share or is_number
    yield "validation.encodings", validation.encodings, "at least 2", validation.encodings >= 2
    in_range = 0 <= validation.seed < 2**32
    yield "validation.seed", validation.seed, "between 0 and 2**32 - 1", in_range


def _init_rules(config: RunConfig) -> Iterator[Rule]:
    init: InitConfig = config.init
    folder = config.init_from
    yield (
        "init_from",
        folder,
        "the folder of a run, or null",
        folder is None or bool(folder.strip()),
    )
    yield "init.step", init.step, "at least 0, or null", init.step is None or init.step >= 0
    is_digest = init.sha256 is None or bool(re.fullmatch(r"[0-9a-f]{64}", init.sha256))
    yield "init.sha256", init.sha256, "64 digits of a SHA-256, or null", is_digest


def refuse_without_validation(config: RunConfig) -> None:
    """Refuse what needs validations where there are none, and scores that have no settings.

    Raises: UsageError.
    """
    _refuse_scores(config)
    asked = {
        "evaluation.checkpoint=best": config.evaluation.checkpoint == "best",
        f"training.stop_early.patience={config.training.stop_early.patience}": (
            config.training.stop_early.patience is not None
        ),
    }
    wanted = next((text for text, given in asked.items() if given), None)
    if wanted and config.validation.every is None:
        hint = "validation.every=N computes one every N steps"
        raise UsageError(f"{wanted} needs validations, and there are none", hint)
    if asked["evaluation.checkpoint=best"] and not config.training.keep_best:
        raise UsageError("evaluation.checkpoint=best needs training.keep_best=true")


def _refuse_scores(config: RunConfig) -> None:
    known = {field.name for field in fields(MetricsConfig)} - {*_OF_SEVERAL_RUNS}
    known = {name for name in known if name not in SHARED}
    for name in config.validation.scores:
        if name in _OF_SEVERAL_RUNS:
            raise UsageError(f"validation.scores: {name} compares several runs, and this is one")
        if name not in known:
            hint = nearest(name, known) or "vaerun list metrics has the scores"
            raise UsageError(f"validation.scores: there is no score '{name}'", hint)
        if not is_dataclass(getattr(config.metrics, name)):
            raise UsageError(
                f"validation.scores: metrics={config.metrics.name} has no settings for {name}",
                f"metrics.{name}={{…}} gives them, or choose another metrics=…",
            )

"""Settings that a GAN cannot be trained with."""

from __future__ import annotations

from torch import nn

from runner.config import RunConfig
from runner.errors import UsageError
from runner.method.adversarial_networks import Networks
from runner.method.turns import check_early_stop


def check_settings(config: RunConfig) -> None:
    """Refuse settings of networks that a GAN does not have.

    Raises: UsageError.
    """
    of = f"objective={config.objective.name}"
    if getattr(config.architecture, "tied", False):
        message = f"architecture.tied=true: the generator of {of} shares no weight with an encoder"
        raise UsageError(message)
    if config.architecture.conditional:
        message = f"architecture.conditional=true: the encoder of {of} gives each variable alone"
        raise UsageError(message)


def check_networks(config: RunConfig, networks: Networks) -> None:
    """Refuse a prior that cannot be sampled, or that is learned, and a penalty that does not fit.

    Raises: UsageError.
    """
    of, latents = f"objective={config.objective.name}", networks.model.latents
    if not latents.has_density:
        message = f"{of} samples p(z), but prior={config.prior.name} is a deterministic code"
        raise UsageError(message, "prior=normal is a distribution")
    if any(True for _ in latents.parameters()):
        message = f"prior={config.prior.name} is learned by an encoder; {of} samples a fixed p(z)"
        raise UsageError(message, "prior=normal is fixed")
    settings = config.objective.adversarial
    if settings.stability == "gradient_penalty" and _normalises_batches(networks.body):
        raise UsageError(
            "objective.adversarial.stability=gradient_penalty differentiates each image's score by "
            f"itself, but architecture={config.architecture.name} normalises over the minibatch",
            "objective.adversarial.stability=spectral_norm",
        )


def check_phases(config: RunConfig, played: int, steps: int) -> None:
    """Refuse steps of which none is left for one of the phases, or that may stop in the first.

    Raises: UsageError.
    """
    if not 0 < played < steps:
        what = "the generator" if played == 0 else "the encoder"
        message = f"steps={steps} has none for {what}: objective.adversarial.encoder_steps"
        raise UsageError(f"{message}={config.objective.adversarial.encoder_steps:g}")
    check_early_stop(config, played, "the encoder")


def _normalises_batches(network: nn.Module) -> bool:
    return any(isinstance(part, nn.BatchNorm2d) for part in network.modules())

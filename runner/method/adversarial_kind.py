"""How a GAN is built from the settings of a run, and opened again."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from runner.config import RunConfig, at_step
from runner.dataset import Dataset
from runner.method.adversarial import Adversarial
from runner.method.adversarial_networks import build
from runner.method.adversarial_rules import check_settings
from runner.method.code_method import OpenedCodeModel
from runner.method.method import put_to_use
from runner.method.trained_on import TrainedOn
from runner.training.adam import Adam

_BETAS = (0.5, 0.999)
"""Of Adam (Radford et al. 2016)."""


class AdversarialKind:
    """How a GAN is built from the settings of a run."""

    def new(self, config: RunConfig, dataset: Dataset, device: torch.device) -> Adversarial:
        """Return a GAN with the parameters of the run's seed.

        Raises: UsageError when the choices do not fit the images or each other.
        """
        check_settings(config)
        networks = build(
            config, dataset.shape, dataset.classes, lambda: dataset.probe_images(device).cpu()
        )
        model = networks.model.to(device)
        networks.rest.to(device)
        rate = float(at_step(config.learning_rate, 0))
        return Adversarial(
            config,
            dataset,
            model,
            model.likelihood,
            device,
            networks=networks,
            generator_adam=Adam(model.generator.parameters(), rate, _BETAS),
            discriminator_adam=Adam(
                networks.discriminator.parameters(),
                config.objective.adversarial.learning_rate,
                _BETAS,
            ),
            encoder_adam=Adam(
                [] if networks.shares_body else model.encoder.parameters(), rate, _BETAS
            ),
            finite=torch.tensor(data=True, device=device),
        )

    def opened(
        self,
        config: RunConfig,
        trained_on: TrainedOn,
        tensors: Mapping[str, Mapping[str, Tensor]],
        device: torch.device,
    ) -> OpenedCodeModel:
        """Return a model with the parameters of a checkpoint.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        images = trained_on.placeholder_images(config.prior)
        model = build(config, trained_on.shape, trained_on.classes, lambda: images).model
        put_to_use(model, tensors, device)
        return OpenedCodeModel(model, model.likelihood, device)


ADVERSARIAL: Mapping[str, AdversarialKind] = {
    "gan": AdversarialKind(),
    "info_gan": AdversarialKind(),
}
"""Name in ``objective.method`` → how it is built."""

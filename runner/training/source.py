"""The minibatches of a run, each with the noise of its step.

Shapes: B images, C H W image, W columns of z, S weights of a step or probes, V dimensions of the
code, U uniform numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset, Split
from runner.model import VAE
from runner.objective import Plan
from runner.training.batch import Batch
from runner.training.corruption import corrupt
from runner.training.memory_bank import MemoryBank
from runner.training.pairs import average_pairs
from runner.training.penalties import penalty
from runner.training.randomness import generator
from runner.training.supervision import LabelledImages


class Source:
    """Turns indices of a split into what a step takes.

    Its numbers depend on the seed, what they are for, and the step. Sources with different values
    of ``name`` are independent.
    """

    def __init__(  # noqa: PLR0913 - a model, what its steps need, and images
        self,
        model: VAE,
        plan: Plan,
        dataset: Dataset,
        split: Split,
        config: RunConfig,
        *,
        name: str = "",
    ) -> None:
        self.model, self.plan, self.dataset, self.split = model, plan, dataset, split
        self.config, self.name = config, name
        self.device = next(model.parameters()).device
        reads = any(penalty(name).needs_labelled_images for name in plan.penalties)
        self._labelled = LabelledImages(dataset, split, config, self.device) if reads else None

    def _images(self, indices_B: Tensor) -> Tensor:
        """Return images as the networks see them, (B, C, H, W)."""
        return self.dataset.kind.to_input(self.split.images(indices_B))

    def _draws(self, purpose: str, step: int) -> torch.Generator:
        return generator(self.device, self.config.seed, f"{self.name}{purpose}", step)

    def uniform(self, purpose: str, step: int, *shape: int) -> Tensor:
        """Return numbers between 0 and 1 of a purpose and a step."""
        return torch.rand(shape, generator=self._draws(purpose, step), device=self.device)

    def batch(
        self, indices_B: Tensor, step: int, weights_S: Tensor, bank: MemoryBank | None = None
    ) -> Batch:
        """Return the batch of some images, with the noise of a step.

        Encodings of these images are removed from the bank, if there is one.
        """
        latents, samples = self.model.latents, len(indices_B)
        images_BCHW = self._images(indices_B)
        inputs_BCHW = images_BCHW
        if self.plan.corruption is not None:
            uniform_BCHW = self.uniform("corruption", step, *images_BCHW.shape)
            amount = self.plan.named(weights_S, like=uniform_BCHW)["corruption.amount"]
            inputs_BCHW = corrupt(images_BCHW, self.plan.corruption, amount, uniform_BCHW)
        if bank:
            bank.forget(indices_B, self.split.size)
        penalties = [penalty(name) for name in self.plan.penalties]
        draws = any(penalty.needs_prior_draws for penalty in penalties)
        labelled = any(penalty.needs_labels for penalty in penalties)
        labels_B, is_labelled_B = (
            self.dataset.labels(self.split, indices_B) if labelled else (None, None)
        )
        of_class = self._labelled.batch(indices_B, step) if self._labelled else None
        return Batch(
            images_BCHW=images_BCHW,
            inputs_BCHW=inputs_BCHW,
            noise_BW=latents.noise(samples, self._draws("noise", step)),
            bank_KP=bank.encodings_KP if bank else None,
            is_held_K=bank.is_held() if bank else None,
            uniform_BU=self.uniform("prior", step, samples, latents.uniform_count)
            if draws
            else None,
            probes_SBV=self._probes(samples, step),
            labels_B=labels_B,
            is_labelled_B=is_labelled_B,
            labelled_images_LCHW=of_class[0] if of_class else None,
            classes_L=of_class[1] if of_class else None,
            labelled_noise_LW=latents.noise(len(of_class[1]), self._draws("labelled noise", step))
            if of_class
            else None,
            dropout_BU=self._dropout(samples, step),
        )

    def _dropout(self, samples: int, step: int) -> Tensor | None:
        count = sum(self.model.network_uniforms)
        return self.uniform("dropout", step, samples, count) if count else None

    def _probes(self, samples: int, step: int) -> Tensor | None:
        contraction = self.plan.settings.contraction
        if "contraction" not in self.plan.penalties or contraction.estimate == "exact":
            return None
        shape = (contraction.probes, samples, self.model.latents.width)
        draws = self._draws("probes", step)
        bits = torch.randint(2, shape, generator=draws, device=self.device)
        return 2.0 * bits - 1.0

    @torch.no_grad()
    def samples(self, indices_B: Tensor, step: int) -> Tensor:
        """Return samples of z for another minibatch, (B, W): the second one of FactorVAE."""
        images_BCHW = self._images(indices_B)
        noise_BW = self.model.latents.noise(len(images_BCHW), self._draws("other noise", step))
        parameters_BP = self.model.encode(images_BCHW)
        if self.plan.pairs is not None:
            parameters_BP = average_pairs(self.model.latents, parameters_BP, self.plan.pairs)
        return self.model.latents.sample(parameters_BP, noise_BW)

"""GAN with an encoder (Goodfellow et al. 2014), and InfoGAN (Chen et al. 2016).

A step of the game: the discriminator learns from images and from generated ones, then the
generator from the discriminator. InfoGAN's q(c|x) learns in both, and the generator maximises the
bound on I(c; G) beside its own loss. Without it the last steps of a run fit an encoder to generated
images, whose codes are known, while the generator stays as it is.

Shapes: B images, C H W image, W columns of a code, N of its noise, F features of the
discriminator, P parameters of q(c|x).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from runner.config import RunConfig, at_step
from runner.dataset import Dataset
from runner.errors import DivergedError
from runner.method.adversarial_losses import (
    discriminator_loss,
    generator_loss,
    information_bounds,
    squared_gradient,
)
from runner.method.adversarial_networks import AdversarialModel, Networks
from runner.method.adversarial_rules import check_networks, check_phases
from runner.method.code_method import CodeMethod
from runner.method.turns import check_division
from runner.training import Record, check_fits, generator, steps_of
from runner.training import shown_schedules as schedules_of
from runner.training.adam import Adam
from runner.training.checkpoint_tensors import check_network
from runner.training.loop import record_is_due
from runner.training.randomness import new_sampler
from runner.training.state import restore_network, trained_tensors

Figures = dict[str, Tensor]
"""What a step has computed, by the names of a record."""


@dataclass
class Adversarial(CodeMethod):
    """A generator, a discriminator and an encoder, with their optimizers."""

    networks: Networks = field(kw_only=True)
    generator_adam: Adam = field(kw_only=True)
    discriminator_adam: Adam = field(kw_only=True)
    encoder_adam: Adam = field(kw_only=True)
    finite: Tensor = field(kw_only=True)
    """Whether every loss so far was a finite number; kept on the device."""

    reads: ClassVar[frozenset[str]] = frozenset({"training.clip_gradient"})

    @property
    def trained(self) -> AdversarialModel:
        """The model, as what it is."""
        return self.networks.model

    def check(self, config: RunConfig, dataset: Dataset) -> None:
        """Refuse what a GAN cannot be trained with, besides what all codes refuse.

        Raises: UsageError.
        """
        super().check(config, dataset)
        check_networks(config, self.networks)
        check_fits(config, self.networks.model, dataset)
        if not self.networks.shares_body:
            check_phases(config, self.played(config), self.steps_of(config, dataset))

    def steps_of(self, config: RunConfig, dataset: Dataset) -> int:
        """Return the number of gradient steps.

        Raises: UsageError when a batch is larger than the dataset.
        """
        return steps_of(config, dataset)

    def played(self, config: RunConfig) -> int:
        """Return the number of steps of the game; an encoder of its own is fitted after these."""
        steps = self.steps_of(config, self.dataset)
        if self.networks.shares_body:
            return steps
        return round(steps * (1 - config.objective.adversarial.encoder_steps))

    def last_part_begins(self, config: RunConfig) -> int:
        """Return the steps before an encoder is fitted; with a head of InfoGAN, it is all along."""
        return 0 if self.networks.shares_body else self.played(config)

    def train(self, config: RunConfig, steps: int) -> Iterator[Record | None]:
        """Play and fit until ``steps``.

        Raises: DivergedError when a record's loss is not a finite number.
        """
        order = new_sampler(self.dataset, config, self.place, "order")
        played, plans = self.played(config), schedules_of(config)
        while self.made < steps:
            done, indices_B = self.made + 1, order.batch(self.made)
            rate = float(at_step(config.learning_rate, self.made))
            self.generator_adam.learning_rate = self.encoder_adam.learning_rate = rate
            plays = self.made < played
            found = self._play(config, indices_B) if plays else self._recognise(config)
            scheduled = {f"scheduled/{name}": plan.at(self.made) for name, plan in plans.items()}
            self.made = done
            self.finite &= found["loss"].isfinite()
            if record_is_due(config, done, steps):
                self.check_finite()
                yield self._record(found, indices_B, recognises=not plays) | scheduled
            else:
                yield None

    def _record(self, found: Figures, indices_B: Tensor, *, recognises: bool) -> Record:
        """Read the figures of a step off the device, and reconstruct its images."""
        record: Record = {"step": self.made} | {name: float(v) for name, v in found.items()}
        if recognises or self.networks.shares_body:  # else there is no encoder yet
            with self.evaluated():
                loss = self.reconstruction(self.dataset.train, indices_B)
                record["terms/reconstruction"] = loss
        return record

    def _play(self, config: RunConfig, indices_B: Tensor) -> Figures:
        """Make a step of the game."""
        model, networks = self.trained, self.networks
        for part in (model, networks.rest):
            part.train()
        real_BCHW = self.images_of(self.dataset.train, indices_B)
        codes_BW, generated_BCHW = self._generated(len(indices_B))
        figures = self._teach_discriminator(config, real_BCHW, codes_BW, generated_BCHW.detach())
        features_BF = networks.body(generated_BCHW)
        loss = generator_loss(networks.score_of(features_BF))
        figures |= {"loss": loss.detach(), "adversarial/generator": loss.detach()}
        if networks.shares_body:
            reward, bound = self._information(config, codes_BW, features_BF)
            loss = loss - reward
            figures |= {"loss": loss.detach(), "adversarial/information": bound}
        _update(self.generator_adam, model.generator, loss, config)
        return figures

    def _teach_discriminator(
        self, config: RunConfig, real_BCHW: Tensor, codes_BW: Tensor, generated_BCHW: Tensor
    ) -> Figures:
        """Make a step of the discriminator, and of a head of InfoGAN on its body."""
        networks, settings = self.networks, config.objective.adversarial
        features_BF = networks.body(generated_BCHW)
        real_B, generated_B = networks.score(real_BCHW), networks.score_of(features_BF)
        loss = discriminator_loss(real_B, generated_B)
        figures = {
            "adversarial/discriminator": loss.detach(),
            "adversarial/accuracy_real": (real_B > 0).float().mean(),
            "adversarial/accuracy_generated": (generated_B < 0).float().mean(),
        }
        if settings.stability == "gradient_penalty":
            square = squared_gradient(networks.score, real_BCHW)
            loss = loss + settings.gradient_penalty / 2 * square
            figures["adversarial/squared_gradient"] = square.detach()
        if networks.shares_body:
            loss = loss - self._information(config, codes_BW, features_BF)[0]
        _update(self.discriminator_adam, networks.discriminator, loss, config)
        return figures

    def _recognise(self, config: RunConfig) -> Figures:
        """Make a step of an encoder of its own, on images of the finished generator."""
        model = self.trained
        model.eval()
        model.encoder.train()
        with torch.no_grad():
            codes_BW, generated_BCHW = self._generated(config.batch_size)
        parameters_BP = model.encoder(generated_BCHW)
        bound = sum(information_bounds(model.latents, self._code(codes_BW), parameters_BP))
        loss = -torch.as_tensor(bound)
        _update(self.encoder_adam, model.encoder, loss, config)
        return {"loss": loss.detach(), "adversarial/information": -loss.detach()}

    def _generated(self, count: int) -> tuple[Tensor, Tensor]:
        """Return codes of the step with their noise, (B, W + N), and the images of them."""
        source = generator(self.place, self.config.seed, "generated", self.made)
        codes_BW = self.trained.sample_codes(count, source)
        return codes_BW, self.trained.decode(codes_BW)

    def _code(self, codes_BW: Tensor) -> Tensor:
        """Return the columns of the variables, without the noise, (B, W)."""
        return codes_BW[:, : self.trained.latents.width]

    def _information(
        self, config: RunConfig, codes_BW: Tensor, features_BF: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the weighted bounds on I(c; G), and their plain sum, in nats."""
        weights, model = config.objective.adversarial.information, self.trained
        parameters_BP = model.encoder.of_features(features_BF)
        discrete, continuous = information_bounds(
            model.latents, self._code(codes_BW), parameters_BP
        )
        reward = weights.discrete * discrete + weights.continuous * continuous
        return reward, (discrete + continuous).detach()

    def check_finite(self) -> None:
        """Raise DivergedError unless every loss so far and every parameter is a finite number."""
        super().check_finite()
        if not bool(self.finite):
            message = f"the loss is no longer a finite number at step {self.made}"
            raise DivergedError(message, "a smaller learning_rate may help")

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters, the discriminator, and what the optimizers keep, on the CPU.

        Where an encoder is fitted after the game, also the steps that the two were given.
        """
        found = {
            **super().tensors(),
            **trained_tensors("", self.trained, *self._adams),
            **trained_tensors("discriminator_", self.networks.rest, *self._adams),
        }
        if not self.networks.shares_body:
            found["phases"] = {"steps": torch.tensor(self.steps_of(self.config, self.dataset))}
        return found

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint.

        Raises: UsageError when they are of another model, or its steps were divided otherwise;
            DataError when one is not a number.
        """
        if (phases := tensors.get("phases")) is not None:
            asked = {"steps": self.steps_of(self.config, self.dataset)}
            check_division(phases, asked, "between generator and encoder")
        parts: dict[str, nn.Module] = {"": self.trained, "discriminator_": self.networks.rest}
        for prefix, part in parts.items():
            check_network(tensors, prefix, part, step)
        for prefix, part in parts.items():
            restore_network(prefix, part, self._adams, tensors)
        self.made = step

    @property
    def _adams(self) -> tuple[Adam, ...]:
        return self.generator_adam, self.discriminator_adam, self.encoder_adam

    def header(self, config: RunConfig, step: int) -> Mapping[str, str]:  # noqa: ARG002
        """Return the networks, what keeps the game stable, and when the encoder is fitted."""
        settings, groups = config.objective.adversarial, ", ".join(self.trained.latents.group_names)
        noise = f", {settings.noise} of noise" if settings.noise else ""
        rows = {
            "model": f"{config.architecture.name}, groups {groups}{noise}",
            "stability": settings.stability,
        }
        if not self.networks.shares_body:
            rows["encoder"] = f"fitted from step {self.played(config):,}"
        return rows


def _update(adam: Adam, network: nn.Module, loss: Tensor, config: RunConfig) -> None:
    """Make a step of one optimizer; no other network gets a gradient."""
    adam.zero_grad()
    parameters = [p for p in network.parameters() if p.requires_grad]
    loss.backward(inputs=parameters)
    if config.training.clip_gradient is not None:
        torch.nn.utils.clip_grad_norm_(parameters, config.training.clip_gradient)
    adam.step()

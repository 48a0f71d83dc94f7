"""A stack of autoencoders that are trained one after the other, and then together.

Layer l is an autoencoder of the code of layer l - 1 (Bengio et al. 2007), a denoising one where
``objective.corruption`` is on (Vincent et al. 2010). The first decodes to the image and is charged
-log p(x|z), the others the squared error of the code beneath.

Shapes: B images of a minibatch, I units of a layer, W units of the code, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from runner.config import CodePriorConfig, MlpConfig, RunConfig, at_step
from runner.dataset import Dataset
from runner.errors import UsageError, nearest
from runner.method.code_method import CodeKind, Shape
from runner.method.layerwise import Layerwise, layer_sizes
from runner.method.stack import Stack
from runner.model import Likelihood
from runner.model.architecture import ACTIVATIONS
from runner.model.likelihood import build_likelihood
from runner.model.tied_linear import TiedLinear
from runner.model.variables import ACTIVATIONS as CODE_ACTIVATIONS
from runner.training import Record
from runner.training.adam import Adam
from runner.training.checkpoint_tensors import check_network
from runner.training.corruption import corrupt
from runner.training.randomness import generator
from runner.training.state import restore_network, trained_tensors

Activation = Callable[[Tensor], Tensor]


class AutoencoderStack(Stack):
    """Linear layers to the code and back, with an activation after each; the last is the code's."""

    def __init__(self, config: RunConfig, shape: Shape) -> None:
        super().__init__(shape, layer_sizes(config, shape))
        self.hidden, self.top = _activations(config)
        self.is_rectified = getattr(config.architecture, "activation", "") == "relu"
        self.seen = build_likelihood(config.likelihood)
        pairs = list(pairwise(self.sizes))
        if self.seen.channels(shape[0]) != shape[0]:
            of = f"objective={config.objective.name}"
            message = f"{of} decodes to a number for a pixel, and not for likelihood"
            raise UsageError(f"{message}={config.likelihood.name}", "likelihood=bernoulli")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            down = [nn.Linear(below, above) for below, above in pairs]
            up = [nn.Linear(above, below) for below, above in pairs]
            tied = [TiedLinear(layer, layer.out_features) for layer in down]
        is_tied = getattr(config.architecture, "tied", False)
        self.encoder, self.decoder = nn.ModuleList(down), nn.ModuleList(tied if is_tied else up)

    def code(self, layer: int, below_BI: Tensor) -> Tensor:
        """Return the code that a layer has for what lies beneath it, (B, I)."""
        activation = self.top if layer == self.depth - 1 else self.hidden
        return activation(self.encoder[layer](below_BI))

    def down(self, code_BI: Tensor, count: int) -> Tensor:
        """Return the output for the likelihood, (B, C, H, W), from the code of so many layers."""
        for layer in reversed(range(1, count)):
            code_BI = self.hidden(self.decoder[layer](code_BI))
        return self.decoder[0](code_BI).unflatten(1, self.shape)

    def decode(self, codes_BW: Tensor) -> Tensor:
        """Return the expected images of codes, (B, C, H, W)."""
        return self.seen.mean(self.down(codes_BW, self.depth))

    def output(self, codes_BW: Tensor, likelihood: Likelihood) -> Tensor:  # noqa: ARG002 - is its own
        """Return the output of the last layer, (B, C, H, W)."""
        return self.down(codes_BW, self.depth)

    def sample_codes(self, samples: int, source: torch.Generator) -> None:  # noqa: ARG002
        """Return None: an autoencoder has no distribution of codes."""
        return

    def error(self, layer: int, code_BI: Tensor, wanted_BI: Tensor) -> Tensor:
        """Return the squared error of a layer's reconstruction of the code beneath, (B,)."""
        found_BI = self.decoder[layer](code_BI)
        # A rectifier would cut the gradient of a unit that is too low; without it the error can
        # only be larger, since the wanted codes are not below zero.
        found_BI = found_BI if self.is_rectified else self.hidden(found_BI)
        return (found_BI - wanted_BI).square().sum(1)


def _activations(config: RunConfig) -> tuple[Activation, Activation]:
    """Return what is applied after the hidden layers, and after the code's.

    Raises: UsageError for a name that there is not.
    """
    chosen = config.architecture, config.prior
    if not isinstance(chosen[0], MlpConfig) or not isinstance(chosen[1], CodePriorConfig):
        raise TypeError("layers and a code have activations")
    hidden, top = chosen[0].activation, chosen[1].activation
    for key, name, known in (
        ("architecture.activation", hidden, tuple(ACTIVATIONS)),
        ("prior.activation", top, tuple(CODE_ACTIVATIONS)),
    ):
        if name not in known:
            message = f"{key} must be one of {', '.join(known)}, got '{name}'"
            raise UsageError(message, nearest(name, known))
    return ACTIVATIONS[hidden](), CODE_ACTIVATIONS[top]


@dataclass
class StackedAutoencoder(Layerwise):
    """A stack of autoencoders that is being trained."""

    optimizer: Adam = field(init=False)

    reads: ClassVar[frozenset[str]] = frozenset(
        {"objective.corruption.amount", "training.clip_gradient", "architecture.tied"}
    )

    def __post_init__(self) -> None:
        self.optimizer = Adam(self.model.parameters(), at_step(self.config.learning_rate, 0))

    @property
    def _stack(self) -> AutoencoderStack:
        if not isinstance(self.model, AutoencoderStack):
            raise TypeError("these autoencoders are a stack")
        return self.model

    @property
    def _layers(self) -> int:
        return self._stack.depth

    @property
    def parts(self) -> int:
        """The layers, and with ``objective.layerwise.fine_tune`` all of them together."""
        return self._layers + int(self.config.objective.layerwise.fine_tune)

    def check(self, config: RunConfig, dataset: Dataset) -> None:
        """Refuse noise that does not fit codes, besides what all stacks refuse.

        Raises: UsageError.
        """
        super().check(config, dataset)
        noise = config.objective.corruption
        hidden = getattr(config.architecture, "activation", "")
        if noise.amount != 0 and noise.kind != "masking" and len(self.sizes) > 2:
            if hidden == "sigmoid":
                return
            what = f"objective.corruption.kind={noise.kind} is for values between 0 and 1"
            hint = "architecture.activation=sigmoid, or objective.corruption.kind=masking"
            raise UsageError(f"{what}, and hidden layers have {hidden} units", hint)

    def learn(self, part: int, images_BCHW: Tensor) -> None:
        """Make a step of a layer, or of all of them after the last."""
        if self.made == self.turns.first(self._layers) and part == self._layers:
            self.optimizer.state.clear()  # its moments are those of other losses
        self.optimizer.learning_rate = at_step(self.config.learning_rate, self.made)
        self.optimizer.zero_grad()
        self._loss(part, images_BCHW).backward()
        largest = self.config.training.clip_gradient
        if largest is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), largest)
        self.optimizer.step()

    def _loss(self, part: int, images_BCHW: Tensor) -> Tensor:
        """Return the loss of a part, the mean over images; only its own layers have a gradient."""
        stack = self._stack
        if part == self._layers:
            code_BW = stack.up(self._corrupted(images_BCHW), part)
            return self._image_error(code_BW, part, images_BCHW)
        if part == 0:
            code_BI = stack.code(0, self._corrupted(images_BCHW).flatten(1))
            return self._image_error(code_BI, 1, images_BCHW)
        with torch.no_grad():
            below_BI = stack.up(images_BCHW, part)
        code_BI = stack.code(part, self._corrupted(below_BI))
        return stack.error(part, code_BI, below_BI).mean()

    def _image_error(self, code_BI: Tensor, count: int, images_BCHW: Tensor) -> Tensor:
        output_BCHW = self._stack.down(code_BI, count)
        return -self.likelihood.log_prob(output_BCHW, images_BCHW).mean()

    def _corrupted(self, clean: Tensor) -> Tensor:
        noise = self.config.objective.corruption
        amount = at_step(noise.amount, self.made)
        if noise.amount == 0:
            return clean
        draws = generator(self.place, self.config.seed, "corruption", self.made)
        uniform = torch.rand(clean.shape, generator=draws, device=self.place)
        return corrupt(clean, noise.kind, amount, uniform)

    @torch.no_grad()
    def figures(self, part: int, images_BCHW: Tensor) -> Record:
        """Return the loss, and -log p(x|z) of the images by the layers so far, in nats.

        The loss of a layer above the first is a squared error.
        """
        loss = float(self._loss(part, images_BCHW))
        count = min(part + 1, self._layers)
        error = self._image_error(self._stack.up(images_BCHW, count), count, images_BCHW)
        return {"layer": count, "loss": loss, "terms/reconstruction": float(error)}

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters, what the optimizer keeps of them, and how steps are divided."""
        return {**super().tensors(), **trained_tensors("", self.model, self.optimizer)}

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint.

        Raises: as :meth:`Layerwise.restore`.
        """
        check_network(tensors, "", self.model, step)
        super().restore(tensors, step)
        restore_network("", self.model, (self.optimizer,), tensors)


STACKED: Mapping[str, CodeKind] = {"stacked_ae": CodeKind(StackedAutoencoder, AutoencoderStack)}
"""Name in ``objective.method`` → how it is built."""

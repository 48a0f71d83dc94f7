"""Restricted Boltzmann machines: one, or a stack of them (a deep belief net), by scikit-learn.

A machine has p(v, h) proportional to exp(h W v + b h + c v), of units that are 0 or 1; grey values
count as probabilities. It is fitted by persistent contrastive divergence (Tieleman 2008), a stack
from the bottom to the top, each machine to the hidden probabilities of the one below (Hinton,
Osindero & Teh 2006).

Shapes: B images of a minibatch, V units below, H units above, I units of a layer, W units of the
code, S chains, C H W image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from runner.config import RunConfig, at_step
from runner.method.code_method import CodeKind, Shape
from runner.method.layerwise import Layerwise, code_units, layer_sizes
from runner.method.stack import Stack
from runner.model import Likelihood
from runner.model.likelihood import Bernoulli
from runner.training import Record, generator

if TYPE_CHECKING:
    import numpy as np
    from sklearn.neural_network import BernoulliRBM

_BURN_IN = 200
"""Gibbs steps before the first sample; the chains start where training left its own."""
_APART = 10
"""Gibbs steps between two samples of a chain."""
_FIRST_IMAGES = 2000
"""Images from which the first biases of the visible units are."""
_STD = 0.01
"""Standard deviation of the first weights (Hinton 2010)."""


class Machine(nn.Module):
    """One restricted Boltzmann machine, with the chains that its training goes on with."""

    weight_HV: Tensor
    hidden_H: Tensor
    visible_V: Tensor
    chains_SH: Tensor

    def __init__(self, below: int, above: int, chains: int, source: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("weight_HV", _STD * torch.randn(above, below, generator=source))
        self.register_buffer("hidden_H", torch.zeros(above))
        self.register_buffer("visible_V", torch.zeros(below))
        self.register_buffer("chains_SH", torch.zeros(chains, above))

    def begin(self, count_V: Tensor, images: int) -> None:
        """Give the visible units the biases by which they are on as often as in some images.

        Else hidden units learn the mean of the images, are on for all of them, and stay so
        (Hinton 2010, §8.1). A unit that is never on counts as if it were on in half an image.

        Args:
            count_V: in how many of the images each unit is on, (V,).
            images: how many they are.
        """
        self.visible_V.copy_(torch.logit((count_V + 0.5) / (images + 1)))

    def up(self, visible_BV: Tensor) -> Tensor:
        """Return p(h = 1 | v), (B, H); of probabilities v, their mean field."""
        return torch.sigmoid(F.linear(visible_BV, self.weight_HV, self.hidden_H))

    def logits(self, hidden_BH: Tensor) -> Tensor:
        """Return the logits of p(v = 1 | h), (B, V)."""
        return F.linear(hidden_BH, self.weight_HV.T, self.visible_V)

    def codes(self, samples: int, source: torch.Generator) -> Tensor:
        """Return p(h = 1 | v) at samples v of the machine, (B, H), by Gibbs sampling.

        Each chain gives a sample after 200 steps, and a further one after every ten.
        """
        hidden_SH, found = self.chains_SH[:samples], []
        rounds = math.ceil(samples / len(hidden_SH))
        for number in range(1, _BURN_IN + _APART * (rounds - 1) + 1):
            visible_SV = _drawn(torch.sigmoid(self.logits(hidden_SH)), source)
            above_SH = self.up(visible_SV)
            hidden_SH = _drawn(above_SH, source)
            if number >= _BURN_IN and (number - _BURN_IN) % _APART == 0:
                found.append(above_SH)
        return torch.cat(found)[:samples]


def _drawn(probabilities: Tensor, source: torch.Generator) -> Tensor:
    uniform = torch.rand(probabilities.shape, generator=source, device=probabilities.device)
    return (uniform < probabilities).to(probabilities.dtype)


class MachineStack(Stack):
    """Machines of which each has the hidden units of the one below as its visible ones."""

    def __init__(self, shape: Shape, sizes: list[int], chains: int, seed: int) -> None:
        super().__init__(shape, sizes)
        place = torch.device("cpu")
        self.machines = nn.ModuleList(
            Machine(below, above, chains, generator(place, seed, "machine", number))
            for number, (below, above) in enumerate(pairwise(sizes))
        )

    def layers(self) -> list[Machine]:
        """Return the machines from the bottom to the top."""
        return [each for each in self.machines if isinstance(each, Machine)]

    def code(self, layer: int, below_BI: Tensor) -> Tensor:
        """Return the mean field of a machine's hidden units, (B, I)."""
        return self.layers()[layer].up(below_BI)

    def down(self, hidden_BH: Tensor, count: int) -> Tensor:
        """Return the logits of the image, (B, C, H, W), from above so many machines."""
        for machine in reversed(self.layers()[1:count]):
            hidden_BH = torch.sigmoid(machine.logits(hidden_BH))
        return self.layers()[0].logits(hidden_BH).unflatten(1, self.shape)

    def decode(self, codes_BW: Tensor) -> Tensor:
        """Return the probabilities of the pixels, (B, C, H, W)."""
        return torch.sigmoid(self.down(codes_BW, self.depth))

    def output(self, codes_BW: Tensor, likelihood: Likelihood) -> Tensor:
        """Return the logits of the pixels where the likelihood takes logits."""
        if isinstance(likelihood, Bernoulli):
            return self.down(codes_BW, self.depth)
        return super().output(codes_BW, likelihood)

    def sample_codes(self, samples: int, source: torch.Generator) -> Tensor:
        """Return codes of samples of the top machine, (B, W)."""
        return self.layers()[-1].codes(samples, source)


@dataclass
class Boltzmann(Layerwise):
    """A stack of machines that is being fitted, one after the other."""

    @property
    def machines(self) -> list[Machine]:
        """The machines from the bottom to the top."""
        return self._stack.layers()

    @property
    def _stack(self) -> MachineStack:
        if not isinstance(self.model, MachineStack):
            raise TypeError("these machines are a stack")
        return self.model

    @property
    def parts(self) -> int:
        """The machines."""
        return len(self.machines)

    @torch.no_grad()
    def learn(self, part: int, images_BCHW: Tensor) -> None:
        """Make a step of a machine with what the machines beneath it give."""
        machine, visible_BV = self.machines[part], self._stack.up(images_BCHW, part)
        if self.made == self.turns.first(part):
            self._begin(part)
        rate = at_step(self.config.learning_rate, self.made)
        fitted = as_sklearn(machine, rate)
        fitted.random_state_ = numpy_draws(self.config.seed, "gibbs", self.made)
        fitted.partial_fit(visible_BV.cpu().numpy())
        take(machine, fitted)

    def _begin(self, part: int) -> None:
        """Begin a machine with what the machines beneath it give for images that the seed draws."""
        split = self.dataset.train
        source = generator(torch.device("cpu"), self.config.seed, "first biases", part)
        drawn_N = torch.randperm(split.size, generator=source)[:_FIRST_IMAGES].to(self.place)
        sums = [
            self._stack.up(self.images_of(split, some_B), part).sum(0)
            for some_B in drawn_N.split(200)
        ]
        self.machines[part].begin(torch.stack(sums).sum(0), len(drawn_N))

    @torch.no_grad()
    def figures(self, part: int, images_BCHW: Tensor) -> Record:
        """Return cross-entropies and the machine's log pseudo-likelihood, in nats per image.

        The likelihood itself, which the steps ascend, is not known; the cross-entropy of the
        reconstruction, the ``loss``, falls beside it on the whole.
        """
        stack, machine = self._stack, self.machines[part]
        visible_BV = stack.up(images_BCHW, part)
        logits_BCHW = stack.down(stack.up(images_BCHW, part + 1), part + 1)
        error = -self.likelihood.log_prob(self._output(logits_BCHW), images_BCHW).mean()
        fitted = as_sklearn(machine, 1.0)
        fitted.random_state = numpy_draws(self.config.seed, "pseudo-likelihood", self.made)
        scores_B = fitted.score_samples(visible_BV.cpu().numpy())
        return {
            "layer": part + 1,
            "loss": float(cross_entropy(machine.logits(machine.up(visible_BV)), visible_BV)),
            "terms/reconstruction": float(error),
            "pseudo_likelihood": float(scores_B.mean()),
        }

    def _output(self, logits_BCHW: Tensor) -> Tensor:
        if isinstance(self.likelihood, Bernoulli):
            return logits_BCHW
        return self.likelihood.output_of(torch.sigmoid(logits_BCHW))


def as_sklearn(machine: Machine, learning_rate: float) -> BernoulliRBM:
    """Return scikit-learn's machine with the parameters of another.

    On the CPU the two share them, and each step of one is a step of the other.
    """
    from sklearn.neural_network import BernoulliRBM

    above = len(machine.hidden_H)
    found = BernoulliRBM(above, learning_rate=learning_rate, batch_size=len(machine.chains_SH))
    found.components_ = machine.weight_HV.cpu().numpy()
    found.intercept_hidden_ = machine.hidden_H.cpu().numpy()
    found.intercept_visible_ = machine.visible_V.cpu().numpy()
    found.h_samples_ = machine.chains_SH.cpu().numpy()
    return found


def take(machine: Machine, fitted: BernoulliRBM) -> None:
    """Give a machine the parameters of scikit-learn's, on the device where it is."""
    machine.weight_HV.copy_(torch.from_numpy(fitted.components_))
    machine.hidden_H.copy_(torch.from_numpy(fitted.intercept_hidden_))
    machine.visible_V.copy_(torch.from_numpy(fitted.intercept_visible_))
    machine.chains_SH.copy_(torch.from_numpy(fitted.h_samples_))


def numpy_draws(seed: int, purpose: str, step: int) -> np.random.RandomState:
    """Return numpy's generator of a seed, a purpose and a step."""
    import numpy as np

    source = generator(torch.device("cpu"), seed, purpose, step)
    return np.random.RandomState(int(torch.randint(2**32, (1,), generator=source)))


def cross_entropy(logits_BV: Tensor, means_BV: Tensor) -> Tensor:
    """Return the cross-entropy of units with these means, in nats per image, a scalar."""
    sum_over_units = F.binary_cross_entropy_with_logits(logits_BV, means_BV, reduction="sum")
    return sum_over_units / len(means_BV)


def _rbm(config: RunConfig, shape: Shape) -> MachineStack:
    sizes = [math.prod(shape), code_units(config, "sigmoid")]
    return MachineStack(shape, sizes, config.batch_size, config.seed)


def _dbn(config: RunConfig, shape: Shape) -> MachineStack:
    code_units(config, "sigmoid")
    return MachineStack(shape, layer_sizes(config, shape), config.batch_size, config.seed)


BOLTZMANN: Mapping[str, CodeKind] = {
    "rbm": CodeKind(Boltzmann, _rbm),
    "dbn": CodeKind(Boltzmann, _dbn),
}
"""Name in ``objective.method`` → how it is built."""

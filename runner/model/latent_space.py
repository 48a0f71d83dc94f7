"""The latent space: discrete and continuous variables, their tree of groups, and p(z).

Shapes: B samples, M encodings, V variables, A atoms, W columns of z, P numbers from the encoder,
U numbers between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from runner.model.discrete_block import DiscreteBlock
from runner.model.node import Node
from runner.model.prior import LatentDensity
from runner.model.variables import Continuous, Normals


@dataclass(frozen=True)
class Densities:
    """Log-densities of a minibatch, in nats; see ``objective.aggregate_posterior``."""

    tree: Node
    atoms_AB: Tensor
    drawn_VBM: Tensor
    enumerated_VAM: Tensor
    own_drawn_VB: Tensor
    own_enumerated_VAB: Tensor
    log_pz: Callable[[Sequence[int]], Tensor]
    prior_factorises: bool


class Prior(nn.Module):
    """Discrete variables first, continuous ones after them; the density of the latter may learn."""

    def __init__(
        self,
        discrete: DiscreteBlock,
        continuous: Continuous,
        density: LatentDensity | None,
        tree: Node,
        variable_names: Sequence[str],
    ) -> None:
        super().__init__()
        self.discrete = discrete
        self.continuous = continuous
        self.density = density
        self.tree = tree
        self.variable_names = tuple(variable_names)

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups, in order."""
        return tuple(group.name for group in self.tree.children)

    @property
    def has_density(self) -> bool:
        """Whether q(z|x) and p(z) are distributions; a deterministic code has neither."""
        return self.density is not None

    @property
    def width(self) -> int:
        """Columns of z."""
        return self.discrete.width + self.continuous.count

    @property
    def numbers(self) -> int:
        """P, the numbers the encoder gives for an image."""
        return self.discrete.width + self.continuous.parameters

    @property
    def uniforms(self) -> int:
        """U, the numbers between 0 and 1 behind a draw from p(z)."""
        return len(self.discrete.kinds) + self.p.uniforms

    @property
    def columns(self) -> dict[str, slice]:
        """The columns of z of each variable: one for a number, one a category for a Concrete."""
        widths = [*self.discrete.widths, *[1] * self.continuous.count]
        columns, start = {}, 0
        for name, width in zip(self.variable_names, widths, strict=True):
            columns[name] = slice(start, start + width)
            start += width
        return columns

    @property
    def spread(self) -> dict[str, float]:
        """How far each continuous variable reaches under the prior: a standard deviation."""
        names = self.variable_names[len(self.discrete.kinds) :]
        values = self.density.scale_V.tolist() if self.density else [1.0] * len(names)
        return dict(zip(names, values, strict=True))

    @property
    def p(self) -> LatentDensity:
        """The density of the continuous variables. Raises: TypeError for a deterministic code."""
        if self.density is None:
            raise TypeError("a deterministic code has no density")
        return self.density

    def for_judging(self) -> Prior:
        """Return this prior with its discrete variables categorical, however they were trained."""
        return self._with(self.discrete.for_judging())

    def at_temperature(self, temperature: float | Tensor) -> Prior:
        """Return this prior with its discrete variables relaxed that much."""
        return self._with(replace(self.discrete, temperature=temperature))

    def opened(self, encode: Callable[[Tensor], Tensor]) -> Prior:
        """Return this prior with a density that needs no network: VampPrior's mixture, in full.

        ``encode`` gives the numbers of q(z|x), (K, P), of images from 0 to 1.
        """
        if self.density is None:
            return self
        density = self.density.opened(lambda images_KCHW: self.posterior(encode(images_KCHW)))
        if density is self.density:
            return self
        return Prior(self.discrete, self.continuous, density, self.tree, self.variable_names)

    def _with(self, discrete: DiscreteBlock) -> Prior:
        return Prior(discrete, self.continuous, self.density, self.tree, self.variable_names)

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return the randomness of ``samples`` draws from q(z|x), (B, W)."""
        discrete_BW = self.discrete.noise(samples, generator)
        shape = (samples, self.continuous.count)
        normal_BV = torch.randn(shape, generator=generator, device=generator.device)
        return torch.cat([discrete_BW, normal_BV], dim=1)

    def sample(self, numbers_BP: Tensor, noise_BW: Tensor) -> Tensor:
        """Return a differentiable draw from q(z|x), (B, W)."""
        (logits_BW, rest_BP), (gumbel_BW, normal_BV) = self._cut(numbers_BP), self._cut(noise_BW)
        discrete_BW = self.discrete.sample(logits_BW, gumbel_BW)
        return torch.cat([discrete_BW, self.continuous.sample(rest_BP, normal_BV)], dim=1)

    def prior_sample(self, uniform_BU: Tensor) -> Tensor:
        """Return a draw from p(z), (B, W), discrete variables as categories."""
        count = len(self.discrete.kinds)
        discrete_BW = self.discrete.prior_sample(uniform_BU[:, :count])
        return torch.cat([discrete_BW, self.p.sample(uniform_BU[:, count:])], dim=1)

    def emit(self, z_BW: Tensor) -> Tensor:
        """Return what the decoder sees of z, (B, W)."""
        discrete_BW, z_BV = self._cut(z_BW)
        return torch.cat([discrete_BW, self.continuous.emit(z_BV)], dim=1)

    def harden(self, z_BW: Tensor) -> Tensor:
        """Return z with every relaxed variable replaced by the value it stands for."""
        discrete_BW, z_BV = self._cut(z_BW)
        return torch.cat([self.discrete.harden(discrete_BW), z_BV], dim=1)

    def centre(self, numbers_BP: Tensor) -> Tensor:
        """Return the mean representation of the images, (B, W): means, and probabilities."""
        logits_BW, rest_BP = self._cut(numbers_BP)
        probabilities_BW = self.discrete.probabilities(logits_BW)
        return torch.cat([probabilities_BW, self.continuous.centre(rest_BP)], dim=1)

    def continuous_part(self, z_BW: Tensor) -> Tensor:
        """Return the continuous variables of z, (B, V)."""
        return self._cut(z_BW)[1]

    def posterior(self, numbers_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return loc and scale of the continuous variables, (B, V) each."""
        loc_BV, log_scale_BV = self._cut(numbers_BP)[1].chunk(2, dim=1)
        return loc_BV, log_scale_BV.exp()

    def rate(self, z_BW: Tensor, numbers_BP: Tensor) -> Tensor:
        """Return KL(q(z|x)||p(z)), (B,), in nats; in closed form where there is one."""
        (discrete_BW, z_BV), (logits_BW, _) = self._cut(z_BW), self._cut(numbers_BP)
        rate_B = self.p.rate(*self.posterior(numbers_BP), z_BV)
        return rate_B + self.discrete.rates(discrete_BW, logits_BW).sum(1)

    def rates(self, z_BW: Tensor, numbers_BP: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of every variable by itself, (B, V), in nats."""
        (discrete_BW, z_BV), (logits_BW, _) = self._cut(z_BW), self._cut(numbers_BP)
        rates_BV = self.p.rates(*self.posterior(numbers_BP), z_BV)
        return torch.cat([self.discrete.rates(discrete_BW, logits_BW), rates_BV], dim=1)

    def log_pz(self, z_BW: Tensor, variables: Sequence[int]) -> Tensor:
        """Return log p of some variables together: (A or 1, B), in nats."""
        discrete_BW, z_BV = self._cut(z_BW)
        count = len(self.discrete.kinds)
        parts = [self.discrete.log_p(v, discrete_BW) for v in variables if v < count]
        continuous = [v - count for v in variables if v >= count]
        if continuous:
            parts.append(self.p.log_joint(z_BV, continuous)[None])
        return sum(parts[1:], start=parts[0])

    def densities(
        self, z_BW: Tensor, numbers_BP: Tensor, encodings_MP: Tensor, *, pairs: bool = True
    ) -> Densities:
        """Return the log-densities of samples under all encodings, their own, and the prior.

        Without ``pairs`` the drawn variables are compared with no other encoding.

        Raises: TypeError for a deterministic code.
        """
        if not isinstance(self.continuous, Normals):
            raise TypeError("a deterministic code has no density")
        discrete_BW, z_BV = self._cut(z_BW)
        (own_BW, own_BP), (logits_MW, rest_MP) = self._cut(numbers_BP), self._cut(encodings_MP)
        drawn_VBM = self.continuous.log_pairs(z_BV, rest_MP) if pairs else z_BW.new_zeros(0, 1, 1)
        own_VB = self.continuous.log_own(z_BV, own_BP)
        table_VAM, own_VAB = z_BW.new_zeros(0, 1, 1), z_BW.new_zeros(0, 1, 1)
        atoms_AB = z_BW.new_ones(1, len(z_BW))
        if self.discrete.enumerated:
            table_VAM = self.discrete.log_q_by_atom(logits_MW)
            own_VAB = self.discrete.log_q_by_atom(own_BW)
            atoms_AB = own_VAB.sum(0).exp()
        elif self.discrete.kinds:
            if pairs:
                log_q_VBM = self.discrete.log_q_drawn(discrete_BW, logits_MW)
                drawn_VBM = torch.cat([log_q_VBM, drawn_VBM])
            own_VB = torch.cat([self.discrete.log_q_own(discrete_BW, own_BW), own_VB])
        return Densities(
            self.tree, atoms_AB, drawn_VBM, table_VAM, own_VB, own_VAB,
            log_pz=lambda variables: self.log_pz(z_BW, variables),
            prior_factorises=self.p.factorises,
        )  # fmt: skip

    def _cut(self, columns_BW: Tensor) -> tuple[Tensor, Tensor]:
        """Return the columns of the discrete variables and of the continuous ones."""
        return columns_BW[:, : self.discrete.width], columns_BW[:, self.discrete.width :]

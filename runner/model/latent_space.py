"""The latent space: discrete and continuous variables, their tree of groups, and p(z).

Shapes: B samples, M encodings, V variables, A atoms, W columns of z, P parameters of q(z|x),
U uniform numbers between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from runner.model.conditional_densities import ConditionalDensities
from runner.model.densities import Densities
from runner.model.discrete_block import DiscreteBlock, joined
from runner.model.node import Node
from runner.model.prior import Prior
from runner.model.variables import Continuous, Normals, NormalSamples


class LatentSpace(nn.Module):
    """The latent variables with q(z|x) and p(z), discrete variables before continuous ones.

    ``prior`` is p(z) of the continuous variables, which may have parameters of its own; it is None
    for a deterministic code, where :attr:`required_prior` raises. Discrete variables hold their own
    prior.
    """

    def __init__(
        self,
        discrete: DiscreteBlock,
        continuous: Continuous,
        prior: Prior | None,
        tree: Node,
        variable_names: Sequence[str],
    ) -> None:
        super().__init__()
        self.discrete = discrete
        self.continuous = continuous
        self.prior = prior
        self.tree = tree
        self.variable_names = tuple(variable_names)

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups, the children of the tree."""
        return tuple(group.name for group in self.tree.children)

    @property
    def has_density(self) -> bool:
        """Whether there are densities q(z|x) and p(z); a deterministic code has neither."""
        return self.prior is not None

    @property
    def only_normals_sampled(self) -> bool:
        """Whether every variable is normal or enumerated, so that the others are not sampled."""
        return self.discrete.enumerated or not self.discrete.variables

    @property
    def width(self) -> int:
        """W, the columns of z."""
        return self.discrete.width + self.continuous.count

    @property
    def parameter_count(self) -> int:
        """P, the parameters that the encoder gives for an image."""
        return self.discrete.width + self.continuous.parameter_count

    @property
    def components(self) -> int:
        """How many normals q(z_v|x) of a continuous variable is a mixture of."""
        return 1

    @property
    def encoding_width(self) -> int:
        """The numbers of an encoding that estimates of q(z) are computed from: P."""
        return self.parameter_count

    @property
    def uniform_count(self) -> int:
        """U, the uniform numbers in (0, 1) behind a sample from p(z)."""
        return len(self.discrete.variables) + self.required_prior.uniform_count

    @property
    def columns(self) -> dict[str, slice]:
        """The columns of z of each variable; a Concrete variable has one for every category."""
        widths = [*self.discrete.widths, *[1] * self.continuous.count]
        columns, start = {}, 0
        for name, width in zip(self.variable_names, widths, strict=True):
            columns[name] = slice(start, start + width)
            start += width
        return columns

    @property
    def prior_std(self) -> dict[str, float]:
        """Standard deviation of each continuous variable under the prior; 1 for a code."""
        names = self.variable_names[len(self.discrete.variables) :]
        values = self.prior.scale_V.tolist() if self.prior else [1.0] * len(names)
        return dict(zip(names, values, strict=True))

    @property
    def required_prior(self) -> Prior:
        """The prior p(z) of the continuous variables, where there must be one.

        Raises: TypeError for a deterministic code, whose ``prior`` is None.
        """
        if self.prior is None:
            raise TypeError("a deterministic code has no density")
        return self.prior

    def with_categorical(self) -> LatentSpace:
        """Return the same with discrete variables categorical, however they were trained."""
        return self._with(self.discrete.with_categorical())

    def at_temperature(self, temperature: float | Tensor) -> LatentSpace:
        """Return the same with another temperature of the discrete variables."""
        return self._with(replace(self.discrete, temperature=temperature))

    def with_encoder(self, encode: Callable[[Tensor], Tensor]) -> LatentSpace:
        """Return the same with a prior that needs no encoder: a VampPrior becomes its mixture.

        ``encode`` returns the parameters of q(z|x), (K, P), of images (K, C, H, W).
        """
        if self.prior is None:
            return self
        prior = self.prior.with_encoder(lambda images_KCHW: self.posterior(encode(images_KCHW)))
        if prior is self.prior:
            return self
        return LatentSpace(self.discrete, self.continuous, prior, self.tree, self.variable_names)

    def _with(self, discrete: DiscreteBlock) -> LatentSpace:
        return LatentSpace(discrete, self.continuous, self.prior, self.tree, self.variable_names)

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return the noise of ``samples`` samples from q(z|x), (B, W)."""
        discrete_BW = self.discrete.noise(samples, generator)
        shape = (samples, self.continuous.count)
        normal_BV = torch.randn(shape, generator=generator, device=generator.device)
        return joined(discrete_BW, normal_BV)

    def sample(self, parameters_BP: Tensor, noise_BW: Tensor) -> Tensor:
        """Return a reparametrised sample from q(z|x), (B, W)."""
        (logits_BW, rest_BP), (gumbel_BW, normal_BV) = self._cut(parameters_BP), self._cut(noise_BW)
        discrete_BW = self.discrete.sample(logits_BW, gumbel_BW)
        return joined(discrete_BW, self.continuous.sample(rest_BP, normal_BV))

    def at_draw(self, parameters_BP: Tensor, z_BW: Tensor) -> tuple[LatentSpace, Tensor]:  # noqa: ARG002 - of others
        """Return the space and the encodings that estimates are made with, given the samples.

        These are the space itself and the parameters, unless the posterior is conditional.
        """
        return self, parameters_BP

    def sample_prior(self, uniform_BU: Tensor) -> Tensor:
        """Return a sample from p(z), (B, W), discrete variables as categories."""
        count = len(self.discrete.variables)
        discrete_BW = self.discrete.sample_prior(uniform_BU[:, :count])
        return torch.cat([discrete_BW, self.required_prior.sample(uniform_BU[:, count:])], dim=1)

    def decoder_input(self, z_BW: Tensor) -> Tensor:
        """Return what the decoder is given for z, (B, W)."""
        discrete_BW, z_BV = self._cut(z_BW)
        return joined(discrete_BW, self.continuous.decoder_input(z_BV))

    def discretise(self, z_BW: Tensor) -> Tensor:
        """Return z with every discrete variable at the category nearest to its relaxed sample."""
        discrete_BW, z_BV = self._cut(z_BW)
        return torch.cat([self.discrete.discretise(discrete_BW), z_BV], dim=1)

    def posterior_mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean codes, (B, W): means, and probabilities of categories."""
        logits_BW, rest_BP = self._cut(parameters_BP)
        probabilities_BW = self.discrete.probabilities(logits_BW)
        return torch.cat([probabilities_BW, self.continuous.posterior_mean(rest_BP)], dim=1)

    def continuous_part(self, z_BW: Tensor) -> Tensor:
        """Return the continuous variables of z, (B, V)."""
        return self._cut(z_BW)[1]

    def posterior(self, parameters_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return loc and scale of the continuous variables, (B, V) each."""
        loc_BV, log_scale_BV = self._cut(parameters_BP)[1].chunk(2, dim=1)
        return loc_BV, log_scale_BV.exp()

    def covariance_given_image(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean over the images of the continuous variables' Cov(z|x), (V, V)."""
        return self.posterior(parameters_BP)[1].square().mean(0).diag()

    def rate(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(z|x)||p(z)), (B,), in nats; in closed form where there is one."""
        (discrete_BW, z_BV), (logits_BW, _) = self._cut(z_BW), self._cut(parameters_BP)
        rate_B = self.required_prior.rate(*self.posterior(parameters_BP), z_BV)
        if not self.discrete.variables:
            return rate_B
        return rate_B + self.discrete.rate_per_variable(discrete_BW, logits_BW).sum(1)

    def rate_per_variable(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of every variable by itself, (B, V), in nats."""
        (discrete_BW, z_BV), (logits_BW, _) = self._cut(z_BW), self._cut(parameters_BP)
        rates_BV = self.required_prior.rate_per_variable(*self.posterior(parameters_BP), z_BV)
        return torch.cat([self.discrete.rate_per_variable(discrete_BW, logits_BW), rates_BV], dim=1)

    def log_q_categories(self, parameters_MP: Tensor) -> list[Tensor]:
        """Return log q(k|x_j) of every discrete variable, (K, M) each, in nats."""
        return [
            variable.log_q(parameters_MP[:, self.columns[name]])
            for name, variable in self.discrete.by_name.items()
        ]

    def prior_center(self, like: Tensor) -> Tensor:
        """Return the code in the middle of p(z), (W,), with the dtype and device of ``like``.

        That is the centre of the continuous variables (:attr:`Prior.center_V`), and the most
        probable category of a discrete one, the first of equals.
        """
        values = [
            variable.as_value(variable.log_p(like).argmax()[None], like)[0]
            for variable in self.discrete.variables
        ]
        return torch.cat([*values, self.required_prior.center_V.to(like)])

    def log_q_and_p(self, z_BW: Tensor, parameters_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return log q(z|x) and log p(z) of samples with categorical values, (B,) each, in nats."""
        # With "argmax" a discrete variable enters by its sampled category, never by a sum.
        sampled = self._with(replace(self.discrete, density="argmax"))
        own = sampled.densities(z_BW, parameters_BP, parameters_BP, pairs=False)
        return own.own_sampled_VB.sum(0), own.log_pz(self.tree.variables)[0]

    def log_pz(self, z_BW: Tensor, variables: Sequence[int]) -> Tensor:
        """Return log p of some variables together: (A or 1, B), in nats."""
        discrete_BW, z_BV = self._cut(z_BW)
        count = len(self.discrete.variables)
        parts = [self.discrete.log_p(v, discrete_BW) for v in variables if v < count]
        continuous = [v - count for v in variables if v >= count]
        if continuous:
            parts.append(self.required_prior.log_joint(z_BV, continuous)[None])
        return sum(parts[1:], start=parts[0])

    def mean_given(self, parameters_BP: Tensor, category_BC: Tensor) -> Tensor:
        """Return the codes with given values of the discrete variables, means beside, (B, W)."""
        rest_BP = self._cut(parameters_BP)[1]
        return joined(category_BC, self.continuous.posterior_mean(rest_BP))

    def densities(
        self,
        z_BW: Tensor,
        parameters_BP: Tensor,
        encodings_MP: Tensor,
        *,
        pairs: bool = True,
        first: int = 0,  # noqa: ARG002 - an own encoding is one of many
    ) -> Densities | ConditionalDensities:
        """Return the log-densities of samples under all encodings, their own, and the prior.

        Without ``pairs`` those of sampled variables under other encodings are left out. Sample i
        owns encoding ``first + i``.

        Raises: TypeError for a deterministic code.
        """
        if not isinstance(self.continuous, Normals):
            raise TypeError("a deterministic code has no density")
        discrete_BW, z_BV = self._cut(z_BW)
        (own_BW, own_BP), (logits_MW, rest_MP) = self._cut(parameters_BP), self._cut(encodings_MP)
        sampled_VBM = self.continuous.log_pairs(z_BV, rest_MP) if pairs else z_BW.new_zeros(0, 1, 1)
        own_VB = self.continuous.log_own(z_BV, own_BP)
        log_pv_VB = self.required_prior.log_marginals(z_BV)
        table_VAM, own_VAB = z_BW.new_zeros(0, 1, 1), z_BW.new_zeros(0, 1, 1)
        atoms_AB = z_BW.new_ones(1, len(z_BW))
        if self.discrete.enumerated:
            table_VAM = self.discrete.log_q_by_atom(logits_MW)
            own_VAB = self.discrete.log_q_by_atom(own_BW)
            atoms_AB = own_VAB.sum(0).exp()
        elif self.discrete.variables:
            if pairs:
                log_q_VBM = self.discrete.log_q_sampled(discrete_BW, logits_MW)
                sampled_VBM = torch.cat([log_q_VBM, sampled_VBM])
            own_VB = torch.cat([self.discrete.log_q_own(discrete_BW, own_BW), own_VB])
            log_pv_VB = torch.cat([self.discrete.log_p_sampled(discrete_BW), log_pv_VB])
        return Densities(
            self.tree, atoms_AB, sampled_VBM, table_VAM, own_VB, own_VAB,
            log_pz=lambda variables: self.log_pz(z_BW, variables),
            prior_factorises=self.required_prior.factorises,
            normals=self._normals(z_BV, rest_MP),
            log_pv_VB=log_pv_VB,
            draws=self.discrete.draws(discrete_BW, own_BW, logits_MW),
        )  # fmt: skip

    def _normals(self, z_BV: Tensor, rest_MP: Tensor) -> NormalSamples | None:
        """Return samples and encodings of the normal variables, if no others are sampled."""
        return NormalSamples(z_BV, *rest_MP.chunk(2, dim=1)) if self.only_normals_sampled else None

    def _cut(self, columns_BW: Tensor) -> tuple[Tensor, Tensor]:
        """Return the columns of the discrete variables and of the continuous ones."""
        width = self.discrete.width
        if width == 0:
            return columns_BW[:, :0], columns_BW
        return columns_BW[:, :width], columns_BW[:, width:]

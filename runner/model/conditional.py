"""The latent space of a conditional posterior, q(c, z|x) = q(c|x) q(z|x, c).

c are the discrete variables, and z the normal ones, which are independent given x and c. The
encoder gives the logits of c and, for every joint category of c (an *atom*), means and log-scales
of z, so that q(z_v|x) is a mixture of as many normals.

``objective.concrete_density`` chooses the estimates of q(c, z) in training:

``exact``    sums over all atoms. z is drawn from q(z|x, c*), c* ~ q(c|x), and expectations over c
             are taken over q(c|x, z), which is proportional to q(c|x) q(z|x, c);
``drawn``    one atom of every encoding, see ``drawn``;
``argmax``   as published: all densities of z under the encoding's own draw of c, so that q(c, z) is
             estimated from q(c_i|x_j) q(z_i|x_j, c_j), which is not its density.

Shapes: B samples, M encodings, A atoms, V normal variables, W columns of z, C columns of c among
them, X = 2 V numbers of the normals at an atom, P = C + A X parameters of q(z|x).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from runner.errors import UsageError
from runner.model.conditional_densities import AtomSets, Components, ConditionalDensities
from runner.model.discrete_block import DiscreteBlock, joined
from runner.model.drawn import DrawnSpace
from runner.model.latent_space import LatentSpace

MOST_ATOMS = 64
"""Largest number of atoms: the evaluation has pairs of 10,000 encodings for each."""

_FORMS = ("exact", "drawn", "argmax")


class ConditionalSpace(LatentSpace):
    """A latent space whose normal variables depend on the discrete ones, given the image."""

    @property
    def only_normals_sampled(self) -> bool:
        """False: there is no sweep of these densities."""
        return False

    @property
    def components(self) -> int:
        """A: q(z_v|x) has a normal for each atom."""
        return self.discrete.atoms

    @property
    def parameter_count(self) -> int:
        """P: logits, and means and log-scales at each atom."""
        return self.discrete.width + self.components * self.continuous.parameter_count

    @property
    def encoding_width(self) -> int:
        """The numbers of an encoding that estimates of q(z) are computed from."""
        if self.discrete.density == "argmax":
            return super().parameter_count
        drawn = self.discrete.width if self.discrete.density == "drawn" else 0
        return self.parameter_count + drawn

    def with_encoder(self, encode: Callable[[Tensor], Tensor]) -> LatentSpace:  # noqa: ARG002 - unused
        """Return itself: a VampPrior, the one prior that needs an encoder, is refused."""
        return self

    def _with(self, discrete: DiscreteBlock) -> LatentSpace:
        of = (self.continuous, self.prior, self.tree, self.variable_names)
        return ConditionalSpace(discrete, *of)

    def sample(self, parameters_BP: Tensor, noise_BW: Tensor) -> Tensor:
        """Return a reparametrised sample, (B, W): c, and z given c.

        z is drawn given the category of c, with the gradient of its relaxed sample
        (straight-through); in the published form given what the decoder sees of c, for a relaxed
        sample by means and log-scales interpolated between the atoms.
        """
        logits_BC, normals_BAX = self._parts(parameters_BP)
        gumbel_BC, normal_BV = self._cut(noise_BW)
        seen_BC = self.discrete.sample(logits_BC, gumbel_BC)
        of_form = self.discrete.density == "argmax" or self.discrete.hard
        given_BC = seen_BC if of_form else self.discrete.straight_through(seen_BC)
        at_draw_BX = self._normals_at(given_BC, normals_BAX)
        return joined(seen_BC, self.continuous.sample(at_draw_BX, normal_BV))

    def at_draw(self, parameters_BP: Tensor, z_BW: Tensor) -> tuple[LatentSpace, Tensor]:
        """Return the space and the encodings that estimates are made with, given the samples."""
        if self.discrete.density == "exact":
            return self, parameters_BP
        of = (self.discrete, self.continuous, self.prior, self.tree, self.variable_names)
        drawn_BC = self._cut(z_BW)[0]
        if self.discrete.density == "drawn":
            category_BC = self.discrete.discretise(drawn_BC)
            return DrawnSpace(*of), torch.cat([parameters_BP, category_BC], dim=1)
        logits_BC, normals_BAX = self._parts(parameters_BP)
        at_draw_BX = self._normals_at(drawn_BC, normals_BAX)
        return LatentSpace(*of), torch.cat([logits_BC, at_draw_BX], dim=1)

    def posterior_mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean codes, (B, W): probabilities of categories, and E[z|x]."""
        logits_BC, _ = self._parts(parameters_BP)
        return joined(self.discrete.probabilities(logits_BC), self.posterior(parameters_BP)[0])

    def posterior(self, parameters_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of q(z_v|x), a mixture of normals, (B, V) each."""
        share_BA1, mean_BV, away_BAV, variance_BAV = self._mixture(parameters_BP)
        variance_BV = (share_BA1 * (variance_BAV + away_BAV.square())).sum(1)
        return mean_BV, variance_BV.sqrt()

    def covariance_given_image(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean over the images of the normal variables' Cov(z|x), (V, V).

        Given x they are dependent, since all of them follow c: the covariance of a mixture is the
        mean of its components' plus that of their means.
        """
        share_BA1, _, away_BAV, variance_BAV = self._mixture(parameters_BP)
        between_BVV = (share_BA1 * away_BAV).transpose(1, 2) @ away_BAV
        return (share_BA1 * variance_BAV).sum(1).mean(0).diag() + between_BVV.mean(0)

    def _mixture(self, parameters_BP: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return q(z|x) as a mixture of normals: shares, its mean, and those of every atom.

        Shapes: (B, A, 1), (B, V), and (B, A, V) for the atoms' means less its own, and for their
        variances.
        """
        logits_BC, normals_BAX = self._parts(parameters_BP)
        share_BA1 = self.discrete.log_q_of_atoms(logits_BC).exp().T[..., None]
        loc_BAV, log_scale_BAV = normals_BAX.chunk(2, dim=2)
        mean_BV = (share_BA1 * loc_BAV).sum(1)
        return share_BA1, mean_BV, loc_BAV - mean_BV[:, None], (2 * log_scale_BAV).exp()

    def mean_given(self, parameters_BP: Tensor, category_BC: Tensor) -> Tensor:
        """Return the codes with some categories of c, and the means of z given them, (B, W)."""
        at_category_BX = self._normals_at(category_BC, self._parts(parameters_BP)[1])
        return joined(category_BC, at_category_BX.chunk(2, dim=1)[0])

    def rate(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(c, z|x)||p(c, z)), (B,), in nats.

        sum_c q(c|x) [log q(c|x) / p(c) + KL(q(z|x, c)||p(z))], the latter in closed form where
        there is one, else its estimate at the noise of the sample. In the published form it is
        log q(c|x) / p(c) + KL(q(z|x, c)||p(z)) at the draw of c.
        """
        if self.discrete.density == "argmax":
            space, encodings_BP = self.at_draw(parameters_BP, z_BW)
            return space.rate(z_BW, encodings_BP)
        share_AB, normals = self.given_atoms(z_BW, parameters_BP)
        flat = [each_BAV.flatten(0, 1) for each_BAV in normals]
        rate_S = self.required_prior.rate(flat[0], flat[1], flat[2])
        given_AB = rate_S.unflatten(0, (len(z_BW), -1)).T
        return self.discrete_rates(z_BW, parameters_BP).sum(1) + (share_AB * given_AB).sum(0)

    def discrete_rates(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(c_d|x)||p(c_d)) of every discrete variable, (B, D), in nats."""
        return self.discrete.rate_per_variable(self._cut(z_BW)[0], self._parts(parameters_BP)[0])

    def given_atoms(
        self, z_BW: Tensor, parameters_BP: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Return q(c|x) of every atom, (A, B), and the normals there, (B, A, V) each.

        These are means, standard deviations, and the value of z that the noise of the sample has
        at that atom.
        """
        drawn_BC, z_BV = self._cut(z_BW)
        logits_BC, normals_BAX = self._parts(parameters_BP)
        category_BC = self.discrete.discretise(drawn_BC)
        loc_BV, log_scale_BV = self._normals_at(category_BC, normals_BAX).chunk(2, dim=1)
        noise_B1V = ((z_BV - loc_BV) * (-log_scale_BV).exp())[:, None]
        loc_BAV, log_scale_BAV = normals_BAX.chunk(2, dim=2)
        scale_BAV = log_scale_BAV.exp()
        share_AB = self.discrete.log_q_of_atoms(logits_BC).exp()
        return share_AB, (loc_BAV, scale_BAV, loc_BAV + scale_BAV * noise_B1V)

    def rate_per_variable(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of every variable by itself, (B, V), in nats.

        Of a normal variable, whose q(z_v|x) is a mixture: log q(z_v|x) - log p(z_v) at the sample.
        """
        z_BV = self._cut(z_BW)[1]
        rates_BD = self.discrete_rates(z_BW, parameters_BP)
        own_VB = self.densities(z_BW, parameters_BP, parameters_BP).own_sampled_VB
        return torch.cat([rates_BD, (own_VB - self.required_prior.log_marginals(z_BV)).T], dim=1)

    def log_q_and_p(self, z_BW: Tensor, parameters_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return log q(c, z|x) and log p(c, z) of samples with categories, (B,) each, in nats."""
        published = self._with(replace(self.discrete, density="argmax"))
        space, encodings_BP = published.at_draw(parameters_BP, z_BW)
        return space.log_q_and_p(z_BW, encodings_BP)

    def densities(
        self,
        z_BW: Tensor,
        parameters_BP: Tensor,
        encodings_MP: Tensor,
        *,
        pairs: bool = True,  # noqa: ARG002 - pairs are computed when they are asked for
        first: int = 0,  # noqa: ARG002 - an own encoding is one of many
    ) -> ConditionalDensities:
        """Return the exact log-densities of samples under all encodings, their own, and the prior.

        Expectations over c are taken over q(c|x, z), given the samples of z.
        """
        z_BV = self._cut(z_BW)[1]
        own, every = self._components(parameters_BP), self._components(encodings_MP)
        return ConditionalDensities(
            self.tree,
            AtomSets(z_BV, own, every, self.discrete.categories),
            log_pz=lambda variables: self.log_pz(z_BW, variables),
            log_pv_VB=self.required_prior.log_marginals(z_BV),
            prior_factorises=self.required_prior.factorises,
        )

    def _components(self, parameters_MP: Tensor) -> Components:
        logits_MC, normals_MAX = self._parts(parameters_MP)
        return Components(self.discrete.log_q_by_atom(logits_MC), normals_MAX)

    def _parts(self, parameters_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of c, (B, C), and the numbers of the normals at every atom."""
        logits_BC, normals_BP = self._cut(parameters_BP)
        return logits_BC, normals_BP.unflatten(1, (self.components, -1))

    def _normals_at(self, values_BC: Tensor, normals_BAX: Tensor) -> Tensor:
        """Return the numbers of the normals at values of c, (B, X); at relaxed ones a mean."""
        return (self.discrete.atom_shares(values_BC)[..., None] * normals_BAX).sum(1)


def require_discrete(discrete: DiscreteBlock, prior: str) -> None:
    """Refuse a conditional posterior of a prior that has none.

    Raises: UsageError saying what would be one.
    """
    if not discrete.by_name:
        raise UsageError(
            "architecture.conditional=true makes the normal variables depend on discrete ones, "
            f"and prior={prior} has none",
            "prior=concrete_normal has one; prior.discrete={shape: 3} adds some to any prior",
        )
    if prior == "vamp":
        raise UsageError("prior=vamp has no form for architecture.conditional=true")
    if discrete.atoms > MOST_ATOMS:
        raise UsageError(
            f"prior.discrete has {discrete.atoms:,} combinations of values, "
            f"too many for architecture.conditional=true (at most {MOST_ATOMS})"
        )
    if discrete.density not in _FORMS:
        raise UsageError(
            f"objective.concrete_density={discrete.density} has no form for "
            "architecture.conditional=true",
            f"choose one of {', '.join(_FORMS)}",
        )

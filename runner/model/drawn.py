"""Estimates for a conditional posterior from one draw of its discrete variables an encoding.

The exact density of sample i under encoding j sums over the joint categories of the discrete
variables (``conditional_densities``). Here one of them, drawn from q(c|x_j), stands for the sum:

    q(d_i, z_is|x_j)  is estimated by  q(d_i|x_j) prod_v q(z_iv|x_j, d_i, e_j)

where d are the discrete variables of the set s, at the sample's categories, and e the others, at
the encoding's own draw. It is unbiased for every other encoding, whose draw does not depend on the
sample. A sample's own encoding has the exact sum. So the weighted mean is unbiased for q(z), as it
is with exact sums, and a pair costs as much as one atom.

Shapes: B samples, M encodings, D discrete variables, V normal ones, A atoms (joint categories),
C columns of the discrete variables, X = 2 V numbers of the normals at an atom, P parameters of
q(z|x), E = P + C numbers of an encoding: its parameters and its draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.model.conditional_densities import AtomSets, Components
from runner.model.densities import Densities
from runner.model.latent_space import LatentSpace
from runner.model.variables import log_normal


@dataclass(frozen=True)
class DrawnSets:
    """Log-densities of sets of variables at the samples' categories; the discrete ones first."""

    z_BV: Tensor
    own: AtomSets
    """The exact densities of the samples under their own encodings."""
    every: Components
    category_BD: Tensor
    drawn_MD: Tensor
    first: int
    """Sample i owns encoding ``first + i``."""

    def log_pairs(self, variables: Sequence[int]) -> Tensor:
        """Return the estimate of log q(d_i, z_is|x_j) of every sample and encoding, (1, B, M)."""
        discrete, normal = self.own.parted(variables)
        log_BM = self.z_BV.new_zeros(len(self.z_BV), len(self.drawn_MD))
        for d in discrete:
            log_BM = log_BM + self.log_categories(d)
        if normal:
            log_BM = log_BM + self._log_normals(discrete, normal)
        return self._with_own(log_BM[None], self.log_own(variables))

    def log_singles(self) -> Tensor:
        """Return :meth:`log_pairs` of every variable by itself, (D + V, B, M)."""
        rows_M = torch.arange(len(self.drawn_MD), device=self.drawn_MD.device)
        at_draw_XM = self.every.normals_MAX[rows_M, self._atoms(self.drawn_MD)].T
        loc_VM, log_scale_VM = at_draw_XM[:, None].chunk(2)
        log_VBM = log_normal(self.z_BV.T[:, :, None], loc_VM, log_scale_VM)
        discrete = range(len(self.own.categories))
        log_DBM = torch.stack([self.log_categories(d) for d in discrete])
        return self._with_own(torch.cat([log_DBM, log_VBM]), self.log_own_singles())

    def log_own_singles(self) -> Tensor:
        """Return :meth:`log_own` of every variable by itself, (D + V, B)."""
        count = len(self.own.categories) + self.z_BV.shape[1]
        return torch.cat([self.log_own([v]) for v in range(count)])

    def _with_own(self, log_SBM: Tensor, own_SB: Tensor) -> Tensor:
        """Return log-densities with the exact ones of the samples' own encodings."""
        columns_M = torch.arange(log_SBM.shape[2], device=log_SBM.device)
        own_B = columns_M[self.first : self.first + log_SBM.shape[1]]
        return torch.where(own_B[:, None] == columns_M, own_SB[..., None], log_SBM)

    def log_own(self, variables: Sequence[int]) -> Tensor:
        """Return log q(d_i, z_is|x_i), exactly, (1, B)."""
        log_AB = self.own.log_own(variables)
        return log_AB if len(log_AB) == 1 else log_AB.gather(0, self._atoms(self.category_BD)[None])

    def log_categories(self, d: int) -> Tensor:
        """Return log q(k|x_j) of the samples' categories of one discrete variable, (B, M)."""
        atoms_B = self._atoms(self.category_BD)
        return self.every.table_DAM[d][atoms_B]

    def _log_normals(self, discrete: Sequence[int], normal: Sequence[int]) -> Tensor:
        """Return log prod_v q(z_iv|x_j, d_i, e_j), (B, M)."""
        if len(discrete) == len(self.own.categories):
            of_atoms_ABM = self.every.log_normals(self.z_BV, normal)
            atoms_B = self._atoms(self.category_BD)
            every = (1, *of_atoms_ABM.shape[1:])
            return of_atoms_ABM.gather(0, atoms_B[None, :, None].expand(every))[0]
        of_sample_D = torch.tensor(
            [d in discrete for d in range(len(self.own.categories))], device=self.z_BV.device
        )
        values_BMD = torch.where(of_sample_D, self.category_BD[:, None], self.drawn_MD)
        atoms_BM = self._atoms(values_BMD)
        rows_M = torch.arange(len(self.drawn_MD), device=atoms_BM.device)
        loc_BMV, log_scale_BMV = self.every.normals_MAX[rows_M, atoms_BM].chunk(2, dim=2)
        log_BMV = log_normal(self.z_BV[:, None], loc_BMV, log_scale_BMV)
        return sum((log_BMV[..., v] for v in normal[1:]), start=log_BMV[..., normal[0]])

    def _atoms(self, values_D: Tensor) -> Tensor:
        """Return the numbers of atoms from the values of all discrete variables, (..., D)."""
        atoms = torch.zeros_like(values_D[..., 0])
        for d, categories in enumerate(self.own.categories):
            atoms = atoms * categories + values_D[..., d]
        return atoms


class DrawnSpace(LatentSpace):
    """The space in which these estimates are made: an encoding is its parameters and its draw."""

    @property
    def only_normals_sampled(self) -> bool:
        """False: there is no sweep of these densities."""
        return False

    def densities(
        self,
        z_BW: Tensor,
        parameters_BP: Tensor,
        encodings_MP: Tensor,
        *,
        pairs: bool = True,
        first: int = 0,
    ) -> Densities:
        """Return the log-densities of samples, all variables being sampled.

        Sample i owns encoding ``first + i``.
        """
        drawn_BC, z_BV = self._cut(z_BW)
        own, category_BD = self._parts(parameters_BP)
        every, drawn_MD = self._parts(encodings_MP)
        exact = AtomSets(z_BV, own, own, self.discrete.categories)
        sets = DrawnSets(z_BV, exact, every, category_BD, drawn_MD, first)
        log_p_DB = self.discrete.log_p_sampled(drawn_BC)
        log_pv_VB = torch.cat([log_p_DB, self.required_prior.log_marginals(z_BV)])
        none = z_BW.new_zeros(0, 1, 1)
        return Densities(
            self.tree, z_BW.new_ones(1, len(z_BW)),
            sets.log_singles() if pairs else none, none, sets.log_own_singles(), none,
            log_pz=lambda variables: self.log_pz(z_BW, variables),
            prior_factorises=self.required_prior.factorises,
            log_pv_VB=log_pv_VB, sets=sets,
            draws=self.discrete.draws(
                drawn_BC, self._cut(parameters_BP)[0], self._cut(encodings_MP)[0]
            ),
        )  # fmt: skip

    def _parts(self, encodings_ME: Tensor) -> tuple[Components, Tensor]:
        """Return what q(c, z|x) consists of, and the category of every drawn variable, (M, D)."""
        width, blocks = self.discrete.width, self.discrete.atoms
        parameters_MP, drawn_MC = encodings_ME[:, :-width], encodings_ME[:, -width:]
        logits_MC, normals_MP = self._cut(parameters_MP)
        components = Components(
            self.discrete.log_q_by_atom(logits_MC), normals_MP.unflatten(1, (blocks, -1))
        )
        return components, self.discrete.categories_of(drawn_MC)

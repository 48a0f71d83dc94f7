"""A discrete variable that is the class of the images, and images whose class is known.

Where a model is trained with labels, one of its discrete variables is the class y. Of an image
whose class is known, q(y|x) is replaced by the distribution that is certain of it; all that is
computed from the parameters of q(z|x) then holds given the class: samples are of q(z|x, y), and
the rate is KL(q(z|x, y)||p(z)) - log p(y).

Shapes: B images, P parameters of q(z|x), K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.errors import UsageError
from runner.model.discrete import Discrete
from runner.model.latent_space import LatentSpace


def class_variable(discrete: Mapping[str, Discrete], classes: int) -> str:
    """Return the name of the discrete variable that has as many categories as there are classes.

    Raises: UsageError where none has, or more than one.
    """
    found = [name for name, variable in discrete.items() if variable.categories == classes]
    if not found:
        known = ", ".join(f"{name} has {v.categories}" for name, v in discrete.items())
        raise UsageError(
            f"labels needs a discrete variable with as many categories as the {classes} classes"
            + (f"; {known}" if known else ", and the prior has none"),
            "prior=concrete_normal has one; prior.discrete={class: null} adds one to any prior",
        )
    if len(found) > 1:
        raise UsageError(
            f"labels needs one discrete variable with {classes} categories, as many as there are "
            f"classes, and the prior has {', '.join(found)}"
        )
    return found[0]


def given_class(latents: LatentSpace, parameters_BP: Tensor, class_B: Tensor) -> Tensor:
    """Return the parameters of q(z|x, y), (B, P): those of q(z|x) with y certain.

    The parameters of discrete variables come first, in the columns that these have in z.

    Raises: KeyError for a space without a class variable.
    """
    name = _required(latents)
    columns = latents.columns[name]
    certain_BK = latents.discrete.by_name[name].certain(class_B, parameters_BP)
    parts = [parameters_BP[:, : columns.start], certain_BK, parameters_BP[:, columns.stop :]]
    return torch.cat(parts, dim=1)


def log_q_of_classes(latents: LatentSpace, parameters_BP: Tensor) -> Tensor:
    """Return log q(y|x) of every class, (K, B), in nats.

    Raises: KeyError for a space without a class variable.
    """
    name = _required(latents)
    return latents.discrete.by_name[name].log_q(parameters_BP[:, latents.columns[name]])


@dataclass(frozen=True)
class Classifier:
    """The class variable of a latent space, as the evaluation sees it."""

    latents: LatentSpace

    @property
    def variable(self) -> str:
        """Its name."""
        return _required(self.latents)

    def given_class(self, parameters_BP: Tensor, class_B: Tensor) -> Tensor:
        """Return the parameters of q(z|x, y), (B, P)."""
        return given_class(self.latents, parameters_BP, class_B)

    def log_q(self, parameters_BP: Tensor) -> Tensor:
        """Return log q(y|x) of every class, (K, B), in nats."""
        return log_q_of_classes(self.latents, parameters_BP)


def _required(latents: LatentSpace) -> str:
    if latents.discrete.class_variable is None:
        raise KeyError("no variable of this model is trained with labels")
    return latents.discrete.class_variable

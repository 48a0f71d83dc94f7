"""One style in every class: images of a model, one of whose variables is trained with labels.

Shapes: N codes, K classes, W columns of z, C H W image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from runner.evaluation.representation import Representation


@torch.no_grad()
def class_rows(model: Representation, z_NW: Tensor, most: int) -> Tensor | None:
    """Return the expected images of codes with their class replaced by each, (N, K, C, H, W).

    All other variables stay as they are: they are the style. At most ``most`` classes are shown.
    None for a model without a variable that is trained with labels.
    """
    if model.classifier is None:
        return None
    name = model.classifier.variable
    values_KW = model.category_values[name][:most].to(z_NW)
    columns: list[Tensor] = []
    for value_W in values_KW:
        of_class_NW = z_NW.clone()
        of_class_NW[:, model.columns[name]] = value_W
        columns.append(model.decode(of_class_NW))
    return torch.stack(columns, dim=1)

"""The figures of a step as plain tensors, which can be stacked, and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from runner.objective import Decomposition, Terms
from runner.training.step_output import StepOutput

_PENALTY = "penalties/"
_OF_A_MINIBATCH = ("parameters_BP", "z_BW")


def tensors_of(output: StepOutput) -> dict[str, Tensor]:
    """Return the figures of a step by name; what there is none of is left out."""
    found = {
        "loss": output.loss,
        "reconstruction": output.reconstruction,
        "parameters_BP": output.parameters_BP,
        "z_BW": output.z_BW,
    }
    if output.rate is not None:
        found["rate"] = output.rate
    if output.decomposition is not None:
        found["terms_T"] = output.decomposition.terms.stack()
        found["levels_L"] = output.decomposition.levels_L
        found["variables_V"] = output.decomposition.variable_information_V
        found["groups_G"] = output.decomposition.group_information_G
    return found | {f"{_PENALTY}{name}": value for name, value in output.penalties.items()}


def output_of(tensors: Mapping[str, Tensor]) -> StepOutput:
    """Return the figures of a step from its tensors."""
    penalties = {
        name.removeprefix(_PENALTY): value
        for name, value in tensors.items()
        if name.startswith(_PENALTY)
    }
    decomposition = None
    if "terms_T" in tensors:
        decomposition = Decomposition(
            Terms(*tensors["terms_T"].unbind()),
            tensors["levels_L"],
            tensors["variables_V"],
            tensors["groups_G"],
        )
    return StepOutput(
        tensors["loss"],
        tensors["reconstruction"],
        tensors.get("rate"),
        decomposition,
        penalties,
        tensors["parameters_BP"],
        tensors["z_BW"],
    )


def unstacked(tensors: Mapping[str, Tensor], *, read: bool) -> list[StepOutput]:
    """Return the figures of each run, without gradients, from stacked ones, (R, …).

    ``read``: bring them to the CPU, the tensors of a minibatch excepted, by one copy for all runs.
    """
    columns = {name: value.detach() for name, value in tensors.items()}
    if read:
        columns |= {n: value.cpu() for n, value in columns.items() if n not in _OF_A_MINIBATCH}
    runs = zip(*(value.unbind() for value in columns.values()), strict=True)
    return [output_of(dict(zip(columns, run, strict=True))) for run in runs]

"""The losses of several runs, each a step of its own with its own parameters.

Shapes: R runs of a pack, or of a part of it, come first; B images, N = R B images of all runs, C H
W image, K channels of the decoder's output, W columns of z, P parameters of q(z|x), S weights of a
step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial

import torch
from torch import Tensor
from torch.func import vmap

from runner.model import VAE
from runner.objective import Plan
from runner.training.batch import Batch
from runner.training.packed.form import Form, needs_networks
from runner.training.packed.member import Inputs
from runner.training.packed.networks import has_layers, through
from runner.training.packed.outputs import tensors_of, unstacked
from runner.training.packed.stack import Stack
from runner.training.pairs import average_pairs
from runner.training.step import Coded, code, step
from runner.training.step_output import StepOutput

Tensors = Mapping[str, Tensor]
_ALL = slice(None)


@dataclass(frozen=True)
class Part:
    """Runs of a pack that have one plan, and stand beside each other."""

    plan: Plan
    rows: slice


class Forward:
    """A step of all runs of a stack, up to their losses."""

    def __init__(self, stack: Stack, parts: Sequence[Part], form: Form) -> None:
        self.stack, self.parts, self.form = stack, parts, form
        self._has_layers = has_layers(stack.skeleton)
        (self._pairs,) = {part.plan.pairs for part in parts}  # the networks of all run at once

    def __call__(
        self, inputs: Sequence[Inputs], images_RBCHW: Tensor | None
    ) -> tuple[Tensor, list[StepOutput]]:
        """Return the losses, (R,), through which gradients flow, and each run's figures.

        ``images_RBCHW`` are the images of all inputs, where they have been gathered together. A
        run's parameters take part in its own loss alone, so the gradient of the losses' sum is
        every run's own.
        """
        whole = [self._is_whole(part.plan) for part in self.parts]
        coded = {} if all(whole) else self._code(inputs, images_RBCHW)
        losses: list[Tensor] = []
        outputs: list[StepOutput] = []
        for part, alone in zip(self.parts, whole, strict=True):
            given = {} if alone else {n: value[part.rows] for n, value in coded.items()}
            compute = self._together if alone or self.form != "single" else self._one_by_one
            loss, found = compute(part, inputs[part.rows], given)
            losses.append(loss)
            outputs += found
        return torch.cat(losses), outputs

    def _is_whole(self, plan: Plan) -> bool:
        return self.form == "whole" or needs_networks(plan, self.stack.skeleton)

    def _code(self, inputs: Sequence[Inputs], images_RBCHW: Tensor | None) -> Tensors:
        """Run the networks of all runs at once."""
        batches = [each.batch for each in inputs]
        if images_RBCHW is None:
            images_RBCHW = torch.stack([batch.images_BCHW for batch in batches])
        given = {"images_BCHW": images_RBCHW, "inputs_BCHW": images_RBCHW}
        if any(batch.inputs_BCHW is not batch.images_BCHW for batch in batches):
            given["inputs_BCHW"] = torch.stack([batch.inputs_BCHW for batch in batches])
        given["noise_BW"] = torch.stack([batch.noise_BW for batch in batches])
        if dropout := [b.dropout_BU for b in batches if b.dropout_BU is not None]:
            given["dropout_BU"] = torch.stack(dropout)

        temperatures = self._temperatures(inputs)
        if self._has_layers and not temperatures:
            return self._layer_by_layer(given)

        def one(tensors: Tensors, batch: Tensors, temperature: Tensors) -> dict[str, Tensor]:
            return self.stack.call(tensors, _coded, self._pairs, batch, temperature)

        return vmap(one)(self.stack.rows(_ALL), given, temperatures)

    def _layer_by_layer(self, batch: Tensors) -> Tensors:
        """Do the same without vmap: what is not of the layers is that of R * B images."""
        latents, noise_RBW = self.stack.skeleton.latents, batch["noise_BW"]
        parameters_RBP = self._through("encoder", batch["inputs_BCHW"])
        if self._pairs is not None:  # which stand beside each other among all images, too
            averages_NP = average_pairs(latents, parameters_RBP.flatten(0, 1), self._pairs)
            parameters_RBP = averages_NP.unflatten(0, noise_RBW.shape[:2])
        z_NW = latents.sample(parameters_RBP.flatten(0, 1), noise_RBW.flatten(0, 1))
        input_RBW = latents.decoder_input(z_NW).unflatten(0, noise_RBW.shape[:2])
        output_NKHW = self._through("decoder", input_RBW).flatten(0, 1)
        log_px_z_N = self.stack.skeleton.likelihood.log_prob(
            output_NKHW, batch["images_BCHW"].flatten(0, 1)
        )
        return {
            "parameters_BP": parameters_RBP,
            "z_BW": z_NW.unflatten(0, noise_RBW.shape[:2]),
            "reconstruction": -log_px_z_N.unflatten(0, noise_RBW.shape[:2]).mean(1),
        }

    def _through(self, name: str, input_RB: Tensor) -> Tensor:
        """Return the output of every run's encoder or decoder, as :class:`VAE` calls it."""
        model, device = self.stack.skeleton, input_RB.device.type
        # On a CPU, convolutions in groups are slower than one after the other.
        grouped, network = device != "cpu", model.encoder if name == "encoder" else model.decoder
        with torch.autocast(device, torch.bfloat16, enabled=model.bf16):
            tensors = self.stack.rows(_ALL, f"{name}.")
            output = through(network, tensors, name, input_RB, grouped=grouped)
        return output.float() if output.dtype == torch.bfloat16 else output

    def _temperatures(self, inputs: Sequence[Inputs]) -> Tensors:
        """Return the temperature of each run's step, (R,), where it is scheduled."""
        slots = [part.plan.slots for part in self.parts for _ in inputs[part.rows]]
        if "temperature" not in slots[0]:
            return {}
        found = [i.weights_S[s.index("temperature")] for i, s in zip(inputs, slots, strict=True)]
        return {"temperature": torch.stack(found).to(inputs[0].batch.noise_BW.dtype)}

    def _together(
        self, part: Part, inputs: Sequence[Inputs], coded: Tensors
    ) -> tuple[Tensor, list[StepOutput]]:
        """Return the losses, (R,), and the figures of runs of one plan, from one call."""
        with_terms = any(each.due for each in inputs)
        wanted = partial(_step, with_terms=with_terms, plain=True)
        batches = [_of_batch(each.batch) for each in inputs]
        batch = {name: torch.stack([each[name] for each in batches]) for name in batches[0]}
        weights_RS = torch.stack([each.weights_S for each in inputs])

        def one(tensors: Tensors, weights_S: Tensor, batch: Tensors, coded: Tensors) -> Tensors:
            of = (part.plan, weights_S, batch, coded)
            return tensors_of(self.stack.call(tensors, wanted, *of))

        tensors = self.stack.rows(part.rows, "latents." if coded else "")
        found = vmap(one)(tensors, weights_RS, batch, coded)
        return found["loss"], unstacked(found, read=with_terms)

    def _one_by_one(
        self, part: Part, inputs: Sequence[Inputs], coded: Tensors
    ) -> tuple[Tensor, list[StepOutput]]:
        """Return the same from one call for each run."""
        stacked = self.stack.rows(part.rows, "latents.")
        outputs: list[StepOutput] = []
        for r, each in enumerate(inputs):
            tensors, own = ({n: v[r] for n, v in every.items()} for every in (stacked, coded))
            of = (part.plan, each.weights_S, _of_batch(each.batch), own)
            outputs.append(
                self.stack.call(tensors, partial(_step, with_terms=each.due, plain=False), *of)
            )
        return torch.stack([output.loss for output in outputs]), outputs


def _coded(
    model: VAE, pairs: str | None, batch: Tensors, temperature: Tensors
) -> dict[str, Tensor]:
    latents = model.bind_latents(temperature.get("temperature"))
    coded = code(model, latents, Batch(**batch), pairs)
    return {field.name: getattr(coded, field.name) for field in fields(coded)}


def _step(  # noqa: PLR0913 - a step's own arguments, as tensors
    model: VAE,
    plan: Plan,
    weights_S: Tensor,
    batch: Tensors,
    coded: Tensors,
    *,
    with_terms: bool,
    plain: bool,
) -> StepOutput:
    given = Coded(**coded) if coded else None
    of = (model, plan, weights_S, Batch(**batch))
    return step(*of, with_terms=with_terms, plain=plain, coded=given)


def _of_batch(batch: Batch) -> dict[str, Tensor]:
    """Return the tensors of a batch by name; what it lacks is left out."""
    every = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {name: value for name, value in every.items() if value is not None}

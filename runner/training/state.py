"""All that changes while training, and nothing else: what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from runner.config import RunConfig, at_step
from runner.dataset import Dataset
from runner.errors import DivergedError
from runner.model import VAE, build
from runner.training.adam import Adam
from runner.training.checkpoint_tensors import check_bank, check_network
from runner.training.discriminator import Discriminator
from runner.training.memory_bank import MemoryBank


def new_model(config: RunConfig, dataset: Dataset, device: torch.device) -> VAE:
    """Return the model that a run starts from, on the device.

    Raises: UsageError when the choices do not fit the images.
    """
    return build(
        config,
        shape=dataset.shape,
        classes=dataset.classes,
        images=lambda: dataset.probe_images(device),
    ).to(device)


@dataclass
class TrainingState:
    """The model, its optimizer, and what some objectives remember or train beside them."""

    model: VAE
    optimizer: Adam
    discriminator: Discriminator | None = None
    bank: MemoryBank | None = None
    step: int = 0
    finite: Tensor = field(default_factory=lambda: torch.tensor(data=True))
    """Whether every loss so far was a finite number; kept on the device, so that no step waits."""
    compile_failure: str | None = None
    """Why steps that should be compiled are not, in one line."""

    @classmethod
    def fresh(cls, model: VAE, config: RunConfig) -> TrainingState:
        """Return the state before the first step."""
        device = next(model.parameters()).device
        learning_rate = float(at_step(config.learning_rate, 0))
        decay = config.training.weight_decay
        optimizer = Adam(
            model.parameters(), learning_rate, weight_decay=decay, decayed=_layer_weights(model)
        )
        penalties = config.objective.penalties
        wanted = penalties.discriminator if penalties.discriminator.weight != 0 else None
        places = (config.objective.encodings or 0) - config.batch_size
        width, numbers = model.latents.width, model.latents.encoding_width
        return cls(
            model,
            optimizer,
            discriminator=Discriminator.fresh(wanted, width, config.seed, device)
            if wanted
            else None,
            bank=MemoryBank.empty(places, numbers, device) if places > 0 else None,
            finite=torch.tensor(data=True, device=device),
        )

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of a checkpoint, on the CPU, by the file that they belong in."""
        found = trained_tensors("", self.model, self.optimizer)
        if self.discriminator:
            found |= trained_tensors(
                "discriminator_", self.discriminator.network, self.discriminator.optimizer
            )
        if self.bank:
            parts = {"encodings": self.bank.encodings_KP, "images": self.bank.images_K}
            found["bank"] = {name: _copy(part) for name, part in parts.items()}
        return found

    def parameters(self) -> dict[str, dict[str, Tensor]]:
        """Return the model alone, on the CPU, as a checkpoint has it: enough to evaluate it."""
        return {"model": {name: _copy(p) for name, p in self.model.state_dict().items()}}

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint, on the model's own device.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        check_network(tensors, "", self.model, step)
        if self.discriminator:
            check_network(tensors, "discriminator_", self.discriminator.network, step)
        if self.bank:
            check_bank(tensors, self.bank.encodings_KP, self.bank.images_K)
        restore_network("", self.model, (self.optimizer,), tensors)
        if self.discriminator:
            network, optimizer = self.discriminator.network, self.discriminator.optimizer
            restore_network("discriminator_", network, (optimizer,), tensors)
        if self.bank:
            self.bank.encodings_KP.copy_(tensors["bank"]["encodings"])
            self.bank.images_K.copy_(tensors["bank"]["images"])
        self.step = step

    def check_finite(self) -> None:
        """Raise DivergedError unless every loss so far and every parameter is a finite number."""
        parameters = [p for p in self.model.parameters() if not bool(p.isfinite().all())]
        if parameters or not bool(self.finite):
            raise DivergedError(
                f"the loss or a parameter is no longer a finite number at step {self.step}",
                "a smaller learning_rate or training.clip_gradient=100 may help",
            )


def _layer_weights(model: VAE) -> list[nn.Parameter]:
    """Return the matrices and kernels of both networks, which weight decay is for.

    Biases and the scales of normalisations, which are vectors, are not among them, nor are the
    parameters of a prior, of a quantised code or of a likelihood.
    """
    networks = (model.encoder, model.decoder)
    return [p for network in networks for p in network.parameters() if p.dim() > 1]


def trained_tensors(
    prefix: str, network: nn.Module, *optimizers: Adam
) -> dict[str, dict[str, Tensor]]:
    """Return the parameters of a network and what optimizers keep of them, by the files of both."""
    parameters = {name: _copy(p) for name, p in network.state_dict().items()}
    moments = {
        f"{name}/{key}": _copy(value)
        for name, parameter in network.named_parameters()
        for optimizer in optimizers
        for key, value in optimizer.state.get(parameter, {}).items()
    }
    return {f"{prefix}model": parameters, f"{prefix}optimizer": moments}


def restore_network(
    prefix: str,
    network: nn.Module,
    optimizers: Iterable[Adam],
    tensors: Mapping[str, Mapping[str, Tensor]],
) -> None:
    """Give a network and the optimizers of its parameters what :func:`trained_tensors` returned."""
    network.load_state_dict(dict(tensors[f"{prefix}model"]))
    trained_by = {parameter: adam for adam in optimizers for parameter in adam.parameters}
    for name, parameter in network.named_parameters():
        if parameter not in trained_by:
            continue
        start = f"{name}/"
        trained_by[parameter].state[parameter] = {
            key.removeprefix(start): laid_out_as(parameter, value)
            for key, value in tensors[f"{prefix}optimizer"].items()
            if key.startswith(start)
        }


def _copy(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU, laid out row by row whatever the layout of the tensor."""
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())


def laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """Return a copy on the parameter's device and, being of its shape, with its strides.

    The fused Adam goes through parameters and moments in the order in which they lie in memory.
    """
    like = parameter.detach() if value.shape == parameter.shape else value
    return torch.empty_like(like, dtype=value.dtype, device=parameter.device).copy_(value)

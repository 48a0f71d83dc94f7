"""disent's frameworks on the networks of a case, trained by Lightning as its README shows."""

from __future__ import annotations

import warnings
from typing import Any

import lightning
from cases import Case
from disent.dataset import DisentDataset
from disent.dataset.data import ArrayDataset
from disent.dataset.sampling import SingleSampler
from disent.dataset.transform import ToImgTensorF32
from disent.frameworks.vae import BetaTcVae, Vae
from disent.model import AutoEncoder, DisentDecoder, DisentEncoder
from gate import Gate
from problem import images_of, networks, parameters_of
from torch import Tensor, nn
from torch.utils.data import DataLoader


class Encoder(DisentEncoder):
    def __init__(self, case: Case, network: nn.Module) -> None:
        super().__init__((1, case.size, case.size), case.latents, 2)
        self.network = network

    def encode(self, x: Tensor) -> Tensor:
        return self.network(x)


class Decoder(DisentDecoder):
    def __init__(self, case: Case, network: nn.Module) -> None:
        super().__init__((1, case.size, case.size), case.latents)
        self.network = network

    def decode(self, z: Tensor) -> Tensor:
        return self.network(z)


class Turns(lightning.Callback):
    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def on_train_batch_end(self, *_: Any) -> None:
        self.gate.step()


def run(case: Case, gate: Gate, compiled: str) -> None:
    warnings.simplefilter("ignore")  # of Lightning, about workers of a DataLoader
    encoder, decoder = networks(case)
    model = AutoEncoder(Encoder(case, encoder), Decoder(case, decoder))
    common: dict[str, Any] = {
        "optimizer": "adam",
        "optimizer_kwargs": {"lr": 1e-3},
        "recon_loss": "bce",
        "loss_reduction": "mean_sum",
    }
    if case.objective == "vae":
        module = Vae(model, Vae.cfg(**common))
    else:
        module = BetaTcVae(model, BetaTcVae.cfg(beta=6.0, **common))
    array = images_of(case).permute(0, 2, 3, 1).numpy()
    dataset = DisentDataset(ArrayDataset(array), SingleSampler(), ToImgTensorF32())
    loader = DataLoader(dataset, batch_size=case.batch, shuffle=True, num_workers=0)
    trainer = lightning.Trainer(
        max_epochs=-1, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        callbacks=[Turns(gate)],
    )  # fmt: skip
    gate.loaded(parameters_of(encoder, decoder))
    trainer.fit(module, loader)

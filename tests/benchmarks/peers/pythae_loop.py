"""pythae's own training pipeline, on the networks and images of a case."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case
from gate import Gate
from problem import images_of, networks, parameters_of
from pythae.models import VAE, BetaTCVAE, BetaTCVAEConfig, FactorVAE, FactorVAEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.pipelines import TrainingPipeline
from pythae.trainers import AdversarialTrainerConfig, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn


class Encoder(BaseEncoder):
    def __init__(self, network: nn.Module) -> None:
        BaseEncoder.__init__(self)
        self.network = network

    def forward(self, x: Tensor) -> ModelOutput:
        embedding, log_covariance = self.network(x).chunk(2, 1)
        return ModelOutput(embedding=embedding, log_covariance=log_covariance)


class Decoder(BaseDecoder):
    def __init__(self, network: nn.Module) -> None:
        BaseDecoder.__init__(self)
        self.network = network

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.network(z).sigmoid())


class Turns(TrainingCallback):
    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def on_train_step_end(self, *_: Any, **__: Any) -> None:
        self.gate.step()


def model_of(case: Case) -> tuple[VAE, int]:
    """Return pythae's model of a case, and the number of parameters of its two networks.

    Of HFVAE, which pythae does not have, it is beta-TCVAE. Minibatch weighted sampling
    (``use_mss=False``) is the cheaper of its two estimates.
    """
    encoder, decoder = networks(case)
    shape = {"input_dim": (1, case.size, case.size), "latent_dim": case.latents}
    fixed: dict[str, Any] = {**shape, "reconstruction_loss": "bce"}
    parts = {"encoder": Encoder(encoder), "decoder": Decoder(decoder)}
    if case.objective == "vae":
        model = VAE(VAEConfig(**fixed), **parts)
    elif case.objective == "factor_vae":
        model = FactorVAE(FactorVAEConfig(gamma=35.0, **fixed), **parts)
    else:
        model = BetaTCVAE(BetaTCVAEConfig(beta=6.0, use_mss=False, **fixed), **parts)
    return model, parameters_of(encoder, decoder)


def training_of(case: Case, output: Path, epochs: int, seed: int = 0) -> BaseTrainerConfig:
    """Return pythae's settings of training.

    FactorVAE of pythae halves its batch, one half for each network: it gets both at once.
    """
    fixed: dict[str, Any] = {"output_dir": str(output), "num_epochs": epochs, "seed": seed}
    if case.objective == "factor_vae":
        rates = {"autoencoder_learning_rate": 1e-3, "discriminator_learning_rate": 1e-4}
        return AdversarialTrainerConfig(
            per_device_train_batch_size=2 * case.batch, no_cuda=True, **rates, **fixed
        )
    return BaseTrainerConfig(
        per_device_train_batch_size=case.batch, no_cuda=True, learning_rate=1e-3, **fixed
    )


def run(case: Case, gate: Gate, compiled: str) -> None:
    images = images_of(case).numpy() / np.float32(255)
    model, parameters = model_of(case)
    with tempfile.TemporaryDirectory() as output:
        pipeline = TrainingPipeline(model, training_of(case, Path(output), epochs=10**6))
        gate.loaded(parameters)
        pipeline(train_data=images, callbacks=[Turns(gate)])

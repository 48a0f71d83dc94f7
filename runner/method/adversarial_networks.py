"""The networks of a GAN: the decoder and the encoder of an architecture in other parts.

The generator is the decoder, with the likelihood's mean as its last activation. The discriminator
is the encoder with one output. InfoGAN's q(c|x) is a head on the discriminator's own body; without
it, q(c|x) is an encoder of its own.

Shapes: B images, C H W image, W columns of a code, N further inputs of the generator, P parameters
of q(c|x), F outputs of a body.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from runner.config import RunConfig
from runner.method.code_method import CodeModule, Shape
from runner.model import LatentSpace, Likelihood, NetworkShapes
from runner.model.architecture import build_networks
from runner.model.build_latent_space import build_latent_space
from runner.model.likelihood import build_likelihood

_FEATURES = 128
"""F: what the discriminator's last layer is given, and the hidden units of InfoGAN's head."""

_LEAST_SCALE = 0.1
"""Of q(c|x) of a continuous variable, so that the bound on its information is bounded."""


class Recogniser(nn.Module):
    """q(c|x): logits of the discrete variables, means and standard deviations of the others.

    A variable has one standard deviation for all images. With it the log-density is the mean
    squared error, each variable weighted by how well it is known.
    """

    def __init__(self, body: nn.Module, head: nn.Module, variables: int) -> None:
        super().__init__()
        self.body, self.head = body, head
        self.log_excess_V = nn.Parameter(torch.full((variables,), math.log(1 - _LEAST_SCALE)))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the parameters of q(c|x), (B, P), as a latent space reads them."""
        return self.of_features(self.body(images_BCHW))

    def of_features(self, features_BF: Tensor) -> Tensor:
        """Return the same from the outputs of the body."""
        found_BW = self.head(features_BF)
        log_scale_V = (_LEAST_SCALE + self.log_excess_V.exp()).log()
        return torch.cat([found_BW, log_scale_V.expand(len(found_BW), -1)], dim=1)


class AdversarialModel(CodeModule):
    """G(n, c) and q(c|x): what a GAN is evaluated with.

    A code has the W columns of the variables, and may have those of the noise n behind them. Images
    have no noise of their own: without these columns, n is a sample that the run's seed has drawn.
    """

    noise_N: Tensor

    def __init__(
        self,
        latents: LatentSpace,
        networks: tuple[nn.Module, Recogniser],
        likelihood: Likelihood,
        noise_N: Tensor,
    ) -> None:
        super().__init__()
        self.latents, self.likelihood = latents, likelihood
        self.generator, self.encoder = networks
        self.register_buffer("noise_N", noise_N)

    @property
    def columns(self) -> Mapping[str, slice]:
        """The columns of each variable, those of the noise left out."""
        return self.latents.columns

    @property
    def category_values(self) -> Mapping[str, Tensor]:
        """The columns of a code at every category of each discrete variable, (K, its width)."""
        return {
            name: variable.as_value(torch.arange(variable.categories), torch.zeros(0))
            for name, variable in self.latents.discrete.by_name.items()
        }

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the means of q(c|x), and the probabilities of categories, (B, W)."""
        return self.latents.posterior_mean(self.encoder(images_BCHW))

    def decode(self, codes_BW: Tensor) -> Tensor:
        """Return the images of codes, (B, W) or (B, W + N)."""
        z_BW, noise_BN = codes_BW.tensor_split([self.latents.width], dim=1)
        if noise_BN.shape[1] == 0:
            noise_BN = self.noise_N.to(z_BW).expand(len(z_BW), -1)
        inputs_BW = torch.cat([self.latents.decoder_input(z_BW), noise_BN], dim=1)
        return self.likelihood.mean(self.generator(inputs_BW))

    def sample_codes(self, samples: int, source: torch.Generator) -> Tensor:
        """Return samples of p(c) with noise of their own behind them, (B, W + N)."""
        shape = (samples, self.latents.uniform_count)
        uniform_BU = torch.rand(shape, generator=source, device=source.device)
        noise_BN = torch.randn((samples, len(self.noise_N)), generator=source, device=source.device)
        z_BW = self.latents.sample_prior(uniform_BU.to(self.noise_N.device))
        return torch.cat([z_BW, noise_BN.to(z_BW)], dim=1)


@dataclass(frozen=True)
class Networks:
    """What is evaluated, and the parts of the discriminator that are not among it."""

    model: AdversarialModel
    rest: nn.ModuleDict
    """``score``, from features to a logit; and ``body``, unless the encoder shares its own."""

    @property
    def shares_body(self) -> bool:
        """Whether q(c|x) is a head on the discriminator's body."""
        return "body" not in self.rest

    @property
    def body(self) -> nn.Module:
        """The discriminator without its last layer."""
        return self.model.encoder.body if self.shares_body else self.rest["body"]

    @property
    def discriminator(self) -> nn.Module:
        """All that learns to tell images apart, and InfoGAN's head."""
        shared = [self.model.encoder] if self.shares_body else []
        return nn.ModuleList([self.rest, *shared])

    def score(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits of being an image of the dataset, (B,)."""
        return self.score_of(self.body(images_BCHW))

    def score_of(self, features_BF: Tensor) -> Tensor:
        """Return the same from the outputs of the body."""
        return self.rest["score"](features_BF)[:, 0]


def build(config: RunConfig, shape: Shape, classes: int, images: Callable[[], Tensor]) -> Networks:
    """Return networks with the parameters of the run's seed, on the CPU.

    Args:
        config: the settings of the run.
        shape: (C, H, W) of an image.
        classes: number of classes of the dataset.
        images: returns training images as the networks see them, for priors that begin with some.

    Raises: UsageError when the architecture does not fit the images, or a name is unknown.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        latents = build_latent_space(
            config.prior,
            shape=shape,
            classes=classes,
            concrete_density="argmax",
            images=images,
        )
        noise_N = torch.randn(config.objective.adversarial.noise)
        torch.manual_seed(config.seed)  # the networks' start does not depend on the prior
        likelihood = build_likelihood(config.likelihood)
        inputs, outputs = latents.width + len(noise_N), likelihood.channels(shape[0])
        sizes = NetworkShapes(shape, _FEATURES, inputs, outputs)
        generator, rest = _players(config, sizes)
        encoder = _encoder(config, replace(sizes, parameters=latents.width), latents, rest)
    return Networks(AdversarialModel(latents, (generator, encoder), likelihood, noise_N), rest)


def _players(config: RunConfig, sizes: NetworkShapes) -> tuple[nn.Module, nn.ModuleDict]:
    """Return the generator, and the discriminator in two parts."""
    features, generator = build_networks(config.architecture, sizes)
    body, score = nn.Sequential(features, nn.LeakyReLU(0.2)), nn.Linear(_FEATURES, 1)
    rest = nn.ModuleDict({"body": body, "score": score})
    for network in (generator, body):
        keep_variance(network)
    if config.objective.adversarial.stability == "spectral_norm":
        normalise(rest)
    return generator, rest


def _encoder(
    config: RunConfig, sizes: NetworkShapes, latents: LatentSpace, rest: nn.ModuleDict
) -> Recogniser:
    """Return q(c|x): a head on the body, which leaves ``rest`` for it, or a network of its own."""
    variables = latents.continuous.count
    if config.objective.method == "info_gan":
        return Recogniser(rest.pop("body"), _head(latents.width), variables)
    return Recogniser(build_networks(config.architecture, sizes)[0], nn.Identity(), variables)


def keep_variance(network: nn.Module) -> None:
    """Start linear layers and convolutions so that ReLUs keep the variance (He et al. 2015).

    PyTorch's own start divides it by six a layer: images of a deep generator would hardly depend on
    their codes, and the game would begin with all of them alike.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            inputs = layer.weight[0].numel()
            if isinstance(layer, nn.ConvTranspose2d):  # its strides spread the inputs
                inputs = layer.weight[:, 0].numel() / math.prod(layer.stride)
            nn.init.normal_(layer.weight, std=math.sqrt(2 / inputs))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def normalise(network: nn.Module) -> None:
    """Divide the weight of every layer by its largest singular value (Miyato et al. 2018).

    As there, a convolution counts as the matrix of its kernel with a row for each output channel.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            spectral_norm(layer)


def _head(outputs: int) -> nn.Sequential:
    """Return InfoGAN's layers from the discriminator's features to q(c|x), not normalised."""
    return nn.Sequential(
        nn.Linear(_FEATURES, _FEATURES), nn.LeakyReLU(0.2), nn.Linear(_FEATURES, outputs)
    )

"""What is compared: networks, objectives and batch sizes, and who trains them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

PEERS = {"pythae": "0.1.2", "disent": "0.8.0"}
"""Package → its version; each is installed into an environment of its own."""


@dataclass(frozen=True)
class Case:
    """One training problem, the same for all who train it.

    Images are grey, ``size`` pixels square, and made from a seed. ``encodings`` is the length of
    the memory bank with the minibatch (``objective.encodings``), which only vaerun has.
    """

    architecture: str
    objective: str
    batch: int
    size: int = 28
    latents: int = 10
    images: int = 20_000
    encodings: int | None = None
    runs: int = 1
    """Runs that train together; a step is one step of each."""
    device: str = "cpu"

    @property
    def name(self) -> str:
        return f"{self.architecture} {self.objective} {self.batch}"

    @property
    def label(self) -> str:
        """A name that says all, for files."""
        sizes = (self.size, self.latents, self.images, self.encodings or 0, self.runs)
        return " ".join(map(str, (self.name, *sizes)))

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def has(self, peer: str) -> bool:
        """Return whether a peer can train it; of HFVAE, pythae's beta-TCVAE stands beside it."""
        objectives = {
            "pythae": ("vae", "beta_tcvae", "hfvae", "factor_vae"),
            "disent": ("vae", "beta_tcvae"),
        }
        return peer not in objectives or self.objective in objectives[peer]


CASES = (
    Case("mlp", "vae", 128),
    Case("mlp", "beta_tcvae", 64),
    Case("mlp", "beta_tcvae", 128),
    Case("mlp", "beta_tcvae", 1024),
    Case("mlp", "hfvae", 64),
    Case("mlp", "hfvae", 128),
    Case("mlp", "hfvae", 1024),
    Case("mlp", "factor_vae", 128),
    Case("conv28", "beta_tcvae", 64),
    Case("conv64", "beta_tcvae", 64, size=64, images=5_000),
    Case("conv64", "hfvae", 64, size=64, images=5_000),
)

WITH_MORE_THREADS = ("mlp beta_tcvae 128", "conv64 hfvae 64")
"""Cases that are also measured with more than one thread, unless cases are named."""

QUICK = ("mlp vae 128", "mlp beta_tcvae 128", "mlp hfvae 1024")
"""Cases of ``--quick``."""


@dataclass(frozen=True)
class Candidate:
    """Who trains a case: a module of this folder, and how.

    ``compile`` is vaerun's setting ``training.compile``; ``tree`` the checkout that vaerun is
    imported from.
    """

    name: str
    module: str
    environment: str | None = None
    compile: str = "false"
    tree: str | None = None


def candidates(tree: str, against: str | None) -> list[Candidate]:
    """Return all candidates: vaerun of the checkout ``tree``, and eagerly that of ``against``."""
    found = [
        Candidate("eager", "ours", compile="false", tree=tree),
        Candidate("as chosen", "ours", compile="auto", tree=tree),
        Candidate("compiled", "ours", compile="true", tree=tree),
        Candidate("plain", "plain"),
        Candidate("pythae", "pythae_loop", environment="pythae"),
        Candidate("disent", "disent_loop", environment="disent"),
    ]
    if against:
        found.insert(1, Candidate("against", "ours", compile="false", tree=against))
    return found

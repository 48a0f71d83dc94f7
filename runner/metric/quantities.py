"""The table of all quantities that runs report, read wherever one of them is computed or shown.

A new score needs its function in this package, its settings in ``config/metrics_schema.py``, and
a row here, or in ``probing_quantities.py``. A name that matches no row is its own title.
"""

from __future__ import annotations

from functools import lru_cache

from runner.metric.probing_quantities import DCI_ES, INFOMEC
from runner.metric.quantity import Place, Quantity, Score
from runner.metric.topic_quantities import TOPIC_QUANTITIES

_EVERYWHERE: tuple[Place, ...] = ("live", "summary", "workspace")
_ENDING: tuple[Place, ...] = ("summary",)
_NATS = "nats"

QUANTITIES: tuple[Quantity, ...] = (
    Quantity("loss", "loss", "loss", shown=("live",)),
    Quantity("validation/loss", "loss of the validation images", "validation loss", "", "lower",
             "validation", shown=("live",)),
    Quantity("validation/elbo", "ELBO of the validation images", "validation ELBO", _NATS,
             "higher", "validation", shown=("live",)),
    Quantity("elbo", "ELBO", "ELBO", _NATS, "higher", shown=_ENDING, column=1),
    Quantity("terms/reconstruction", "reconstruction", "reconstruction", _NATS, "lower",
             "terms", _EVERYWHERE, column=2),
    Quantity("terms/index_code_mi", "index-code MI", "MI", _NATS, None,
             "terms", _EVERYWHERE, column=4),
    Quantity("terms/group_total_correlation", "total correlation between groups",
             "TC between groups", _NATS, None, "terms", _EVERYWHERE, column=5),
    Quantity("terms/within_group_total_correlation", "total correlation within groups",
             "TC within groups", _NATS, None, "terms", _EVERYWHERE, column=6),
    Quantity("terms/dimension_wise_kl", "dimension-wise KL", "dimension-wise KL", _NATS, None,
             "terms", _EVERYWHERE, column=15),
    Quantity("rate", "rate", "rate", _NATS, shown=_ENDING, column=3),
    Quantity("levels/<level>", "total correlation at level <level>", "TC at level <level>", _NATS),
    Quantity("penalties/<penalty>", "penalty <penalty>", "<penalty>"),
    Quantity("adversarial/generator", "loss of the generator", "generator", _NATS,
             family="adversarial"),
    Quantity("adversarial/discriminator", "loss of the discriminator", "discriminator", _NATS,
             family="adversarial"),
    Quantity("adversarial/accuracy_real", "accuracy of the discriminator on images of the dataset",
             "accuracy, real", family="adversarial"),
    Quantity("adversarial/accuracy_generated", "accuracy of the discriminator on generated images",
             "accuracy, generated", family="adversarial"),
    Quantity("adversarial/information", "I(c; G), lower bound", "I(c; G)", _NATS,
             family="adversarial", shown=("live",)),
    Quantity("adversarial/squared_gradient", "squared gradient of the discriminator",
             "squared gradient", family="adversarial"),
    Quantity("scheduled/<weight>", "scheduled <weight>", "<weight>"),
    Quantity("images_per_second", "images per second", "images/s"),
    Quantity("information/variable/<variable>", "I(x; <variable>)", "I(x; <variable>)",
             _NATS, None, "information"),
    Quantity("information/group/<group>", "I(x; <group>)", "I(x; <group>)",
             _NATS, None, "information"),
    Quantity("information/factor/<group>/<factor>", "I(<factor>; <group>)",
             "I(<factor>; <group>)", _NATS, None, "information"),
    Quantity("information/rate/<variable>", "rate of <variable>", "rate of <variable>",
             _NATS, None, "information"),
    Quantity("distances/covariance_of_means", "covariance of the means to the identity",
             "covariance of means", "", "lower", "distances"),
    Quantity("distances/covariance_of_codes", "covariance of the samples to the identity",
             "covariance of codes", "", "lower", "distances"),
    Quantity("distances/mmd", "MMD of q(z) and p(z)", "MMD", "", "lower", "distances"),
    Quantity("distances/dimension_wise_mmd", "MMD of q(z) and p(z), dimension by dimension",
             "dimension-wise MMD", "", "lower", "distances"),
    Quantity("distances/<distance>", "distance <distance>", "<distance>", "", "lower",
             "distances"),
    Quantity("classification/error", "classification error of q(y|x)", "error", "", "lower",
             "summary", column=18),
    Quantity("classification/error_importance_weighted",
             "classification error, importance-weighted", "error, importance-weighted", "",
             "lower", "summary", column=19),
    Quantity("scores/purity", "cluster purity", "purity", "", "higher", "summary", column=14),
    Quantity("scores/purity_<variable>", "cluster purity of <variable>", "purity of <variable>",
             "", "higher", "summary"),
    Quantity("scores/hoyer_sparsity", "Hoyer sparsity", "Hoyer sparsity", family="summary"),
    Quantity("scores/<codes>/beta_vae", "beta-VAE score", "beta-VAE", "", "higher", "beta_vae",
             column=11, score=Score("beta_vae.beta_vae", 2)),
    Quantity("scores/<codes>/beta_vae/train", "beta-VAE score, training", "beta-VAE, training",
             family="beta_vae"),
    Quantity("scores/<codes>/factor_vae", "FactorVAE score", "FactorVAE", "", "higher",
             "factor_vae", column=10, score=Score("factor_vae.factor_vae", 2)),
    Quantity("scores/<codes>/factor_vae/train", "FactorVAE score, training",
             "FactorVAE, training", family="factor_vae"),
    Quantity("scores/<codes>/factor_vae/active_variables",
             "active variables in the FactorVAE score", "active variables", family="factor_vae"),
    Quantity("scores/<codes>/mig", "mutual information gap", "MIG", "", "higher", "mig",
             column=7, score=Score("mig.mig")),
    Quantity("scores/<codes>/mig/<factor>", "mutual information gap of <factor>",
             "MIG of <factor>", family="mig"),
    Quantity("scores/model/mig_density", "mutual information gap from densities",
             "MIG from densities", "", "higher", "mig_density"),
    Quantity("scores/model/mig_density/<factor>",
             "mutual information gap of <factor> from densities",
             "MIG of <factor> from densities", family="mig_density"),
    Quantity("scores/<codes>/dci/disentanglement", "DCI disentanglement", "DCI", "", "higher",
             "dci", column=8, score=Score("dci.dci", 2, 2)),
    Quantity("scores/<codes>/dci/completeness", "DCI completeness", "DCI completeness",
             "", "higher", "dci"),
    Quantity("scores/<codes>/dci/informativeness", "DCI informativeness", "DCI informativeness",
             "", "higher", "dci"),
    Quantity("scores/<codes>/dci/informativeness_train", "DCI informativeness, training",
             "DCI informativeness, training", family="dci"),
    Quantity("scores/<codes>/dci/informativeness/<factor>", "DCI informativeness of <factor>",
             "DCI informativeness of <factor>", family="dci"),
    Quantity("scores/<codes>/dci_lightgbm/disentanglement", "DCI disentanglement, LightGBM",
             "DCI, LightGBM", "", "higher", "dci_lightgbm",
             score=Score("dci.dci_lightgbm", 2, 2)),
    Quantity("scores/<codes>/dci_lightgbm/completeness", "DCI completeness, LightGBM",
             "DCI completeness, LightGBM", "", "higher", "dci_lightgbm"),
    Quantity("scores/<codes>/dci_lightgbm/informativeness", "DCI informativeness, LightGBM",
             "DCI informativeness, LightGBM", "", "higher", "dci_lightgbm"),
    Quantity("scores/<codes>/eastwood_williams/disentanglement",
             "Eastwood-Williams disentanglement", "E-W disentanglement", "", "higher",
             "eastwood_williams", score=Score("eastwood_williams.eastwood_williams", 2, 2)),
    Quantity("scores/<codes>/eastwood_williams/completeness", "Eastwood-Williams completeness",
             "E-W completeness", "", "higher", "eastwood_williams"),
    Quantity("scores/<codes>/eastwood_williams/informativeness",
             "Eastwood-Williams informativeness (prediction error)", "E-W prediction error",
             "", "lower", "eastwood_williams"),
    Quantity("scores/<codes>/modularity", "modularity", "modularity", "", "higher", "modularity",
             column=12, score=Score("modularity.modularity", 2)),
    Quantity("scores/<codes>/explicitness", "explicitness", "explicitness", "", "higher",
             "explicitness", score=Score("explicitness.explicitness")),
    Quantity("scores/<codes>/explicitness/train", "explicitness, training",
             "explicitness, training", family="explicitness"),
    Quantity("scores/<codes>/sap", "separated attribute predictability", "SAP", "", "higher",
             "sap", column=9, score=Score("sap.sap")),
    Quantity("scores/<codes>/sap/<factor>", "separated attribute predictability of <factor>",
             "SAP of <factor>", family="sap"),
    Quantity("scores/<codes>/irs", "interventional robustness score", "IRS", "", "higher", "irs",
             score=Score("irs.irs", 2)),
    Quantity("scores/<codes>/irs/<variable>", "interventional robustness of <variable>",
             "IRS of <variable>", family="irs"),
    Quantity("scores/<codes>/gaussian_total_correlation",
             "total correlation of the codes as a Gaussian", "Gaussian TC", _NATS, None,
             "unsupervised", score=Score("unsupervised.unsupervised", 0, 2)),
    Quantity("scores/<codes>/gaussian_wasserstein", "Wasserstein correlation as a Gaussian",
             "Gaussian Wasserstein", family="unsupervised"),
    Quantity("scores/<codes>/gaussian_wasserstein_normalised",
             "Wasserstein correlation as a Gaussian, normalised",
             "Gaussian Wasserstein, normalised", family="unsupervised"),
    Quantity("scores/<codes>/mutual_information_score", "mean mutual information of two variables",
             "MI between variables", _NATS, None, "unsupervised"),
    Quantity("scores/<codes>/udr_spearman", "unsupervised disentanglement ranking, Spearman",
             "UDR", "", "higher", "udr", column=13),
    Quantity("scores/<codes>/udr_lasso", "unsupervised disentanglement ranking, lasso",
             "UDR, lasso", "", "higher", "udr"),
    Quantity("scores/<codes>/downstream_logistic/<size>",
             "accuracy of logistic regression from <size> images", "logistic from <size>",
             "", "higher", "downstream_logistic", score=Score("downstream.downstream_logistic")),
    Quantity("scores/<codes>/downstream_boosted/<size>",
             "accuracy of boosted trees from <size> images", "boosted trees from <size>",
             "", "higher", "downstream_boosted", score=Score("downstream.downstream_boosted")),
    Quantity("scores/<codes>/hoyer_sparsity", "Hoyer sparsity", "Hoyer sparsity",
             family="hoyer_sparsity", score=Score("sparsity.hoyer_sparsity", 0, 2)),
    Quantity("scores/<codes>/linear_probe", "accuracy of a linear probe", "linear probe",
             "", "higher", "linear_probe", column=16,
             score=Score("probes.linear_probe", of_class=True)),
    Quantity("scores/<codes>/linear_probe/train", "accuracy of a linear probe, training",
             "linear probe, training", family="linear_probe"),
    Quantity("scores/<codes>/neighbour_probe", "accuracy of a nearest-neighbour probe",
             "neighbour probe", "", "higher", "neighbour_probe",
             score=Score("probes.neighbour_probe", of_class=True)),
    Quantity("scores/<codes>/mig_groups", "mutual information gap of groups", "MIG of groups",
             "", "higher", "mig_groups", score=Score("mig.mig_groups", of_groups=True)),
    Quantity("scores/<codes>/mig_groups/<factor>", "mutual information gap of groups for <factor>",
             "MIG of groups for <factor>", family="mig_groups"),
    Quantity("scores/<codes>/dci_groups/disentanglement", "DCI disentanglement of groups",
             "DCI of groups", "", "higher", "dci_groups",
             score=Score("dci.dci_groups", 2, of_groups=True)),
    Quantity("scores/<codes>/dci_groups/completeness", "DCI completeness of groups",
             "DCI completeness of groups", "", "higher", "dci_groups"),
    Quantity("scores/<codes>/eastwood_williams_groups/disentanglement",
             "Eastwood-Williams disentanglement of groups", "E-W disentanglement of groups", "",
             "higher", "eastwood_williams_groups",
             score=Score("eastwood_williams.eastwood_williams_groups", 2, of_groups=True)),
    Quantity("scores/<codes>/eastwood_williams_groups/completeness",
             "Eastwood-Williams completeness of groups", "E-W completeness of groups", "",
             "higher", "eastwood_williams_groups"),
    Quantity("scores/<codes>/sap_groups", "separated attribute predictability of groups",
             "SAP of groups", "", "higher", "sap_groups",
             score=Score("sap.sap_groups", of_groups=True)),
    Quantity("scores/<codes>/sap_groups/<factor>",
             "separated attribute predictability of groups for <factor>",
             "SAP of groups for <factor>", family="sap_groups"),
    Quantity("scores/<codes>/modularity_groups", "modularity of groups", "modularity of groups",
             "", "higher", "modularity_groups",
             score=Score("modularity.modularity_groups", 2, of_groups=True)),
    Quantity("scores/<codes>/factor_vae_groups", "FactorVAE score of groups",
             "FactorVAE of groups", "", "higher", "factor_vae_groups",
             score=Score("factor_vae.factor_vae_groups", 2, of_groups=True)),
    Quantity("scores/<codes>/factor_vae_groups/train", "FactorVAE score of groups, training",
             "FactorVAE of groups, training", family="factor_vae_groups"),
    Quantity("scores/<codes>/factor_vae_groups/active_groups",
             "active groups in the FactorVAE score", "active groups", family="factor_vae_groups"),
    Quantity("scores/<codes>/irs_groups", "interventional robustness of groups", "IRS of groups",
             "", "higher", "irs_groups", score=Score("irs.irs_groups", 2, of_groups=True)),
    Quantity("scores/<codes>/irs_groups/<group>", "interventional robustness of group <group>",
             "IRS of group <group>", family="irs_groups"),
    Quantity("scores/<codes>/knn/<factor>/<group>",
             "accuracy of <factor> from the nearest neighbours in <group>",
             "kNN <factor> from <group>", family="knn", score=Score("knn.knn")),
    Quantity("scores/<codes>/clustering/purity", "purity of k-means clusters", "k-means purity",
             "", "higher", "clustering", score=Score("clustering.clustering", of_class=True)),
    Quantity("scores/<codes>/clustering/nmi", "normalised MI of k-means clusters and classes",
             "k-means NMI", "", "higher", "clustering"),
    *INFOMEC,
    *DCI_ES,
    Quantity("scores/model/information/<factor>/<variable>", "I(<factor>; <variable>)",
             "I(<factor>; <variable>)", _NATS, None, "information"),
    Quantity("scores/model/reconstruction/nats", "reconstruction from mean codes",
             "reconstruction, mean codes", _NATS, "lower", "reconstruction"),
    Quantity("scores/model/reconstruction/squared_error", "squared error of reconstructions",
             "squared error", "", "lower", "reconstruction"),
    Quantity("scores/model/log_likelihood", "log-likelihood, importance-weighted", "log p(x)",
             _NATS, "higher", "log_likelihood", column=17),
    Quantity("scores/model/log_likelihood/elbo", "ELBO of the images of log p(x)",
             "ELBO beside log p(x)", _NATS, family="log_likelihood"),
    Quantity("scores/model/pruning/variables_for_90_percent",
             "variables that carry 90 % of the reconstruction", "variables for 90 %",
             family="pruning"),
    Quantity("scores/model/pruning/half", "share of the reconstruction that half of them carry",
             "share of half the variables", family="pruning"),
    *TOPIC_QUANTITIES,
)  # fmt: skip
"""``<codes>`` matches every kind of code; if several rows match a name, the first is used."""

VALIDATION = "validation/"
"""Prefix of the figures of images that are set aside; the rest is the name of the quantity."""

TRAINING_ESTIMATE = "training_estimate/"
"""Prefix of what the estimate of training says of the final model; the rest as above."""

_LATER = {VALIDATION: "validation", TRAINING_ESTIMATE: "training estimate"}

_PREFIXES = ("terms/", "scores/mean/", "scores/")
"""Prefixes that short names omit."""


_described: dict[str, Quantity] = {}
"""Own scores of users, as their runs describe them."""


def describe(row: Quantity) -> None:
    """Let :func:`quantity` describe what no row of the table does; the first description stays."""
    if _described.setdefault(row.name, row) is row:
        quantity.cache_clear()


@lru_cache(maxsize=4096)
def quantity(name: str) -> Quantity:
    """Return the description of a quantity; one without a row has its own name as title."""
    for row in (*QUANTITIES, *_described.values()):
        found = row.named(name)
        if found is not None:
            return found
    for prefix, words in _LATER.items():
        if name.startswith(prefix):
            of = quantity(name.removeprefix(prefix))
            title, short = f"{of.title}, {words}", f"{of.short}, {words}"
            return Quantity(name, title, short, of.unit, of.better, prefix.removesuffix("/"))
    brief = brief_name(name)
    nats = name.startswith(("terms/", "information/"))
    title = brief.replace("_", " ").replace("/", " ")
    return Quantity(name, title, brief, _NATS if nats else "", family="other")


def brief_name(name: str) -> str:
    """Return a name without its prefix: ``mig`` for ``scores/mean/mig``."""
    return next((name.removeprefix(start) for start in _PREFIXES if name.startswith(start)), name)


def shown_in(place: Place) -> tuple[Quantity, ...]:
    """Return the quantities that a place shows for every run, in the order of the table."""
    return tuple(row for row in QUANTITIES if place in row.shown)


def default_columns() -> tuple[str, ...]:
    """Return the names of the columns that a comparison shows by default, the main one first.

    Scores of codes are those of the mean codes; own ones of users come last.
    """
    rows = sorted((row.column, row.name) for row in QUANTITIES if row.column is not None)
    own = [name for name in _described if not name.endswith(">")]
    names = (name.replace("<codes>", "mean") for name in [*(n for _, n in rows), *own])
    return tuple(dict.fromkeys(names))

"""Own figures: one of every run, and one of every comparison.

vaerun plugins=[examples/own_figure.py] dataset=digits

Shapes: N images, W columns of z.
"""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from runner.comparison.configurations import Comparison
from runner.plugins import add_figure
from runner.runs.load import LoadedRun

_MOST = 500


@torch.no_grad()
def mean_codes(run: LoadedRun) -> Figure:
    """Return a histogram of the mean codes of test images, a line for each variable."""
    model, split = run.representation, run.dataset.test
    indices_N = torch.arange(min(split.size, _MOST), device=run.device)
    mean_NW = model.mean(model.encode(split.images(indices_N))).cpu().numpy()
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    for name, columns in model.columns.items():
        if columns.stop - columns.start == 1:
            axes.hist(mean_NW[:, columns.start], bins=30, histtype="step", label=name)
    axes.set_xlabel("mean of q(z|x)")
    axes.set_ylabel("test images")
    axes.legend(fontsize="small")
    return figure


def elbos(comparison: Comparison) -> Figure | None:
    """Return the mean ELBO of each configuration as bars, or None where there is none."""
    rows = [(c.label, c.values("elbo")) for c in comparison.configurations]
    known = [(label, values) for label, values in rows if len(values)]
    if not known:
        return None
    figure = Figure(figsize=(6, 1 + 0.4 * len(known)), layout="constrained")
    axes = figure.subplots()
    axes.barh([label for label, _ in known], [float(values.mean()) for _, values in known])
    axes.set_xlabel("ELBO, nats")
    return figure


add_figure("mean_codes", mean_codes, help="Histograms of the mean codes.")
add_figure("elbos", elbos, of="comparison", help="The ELBO of each configuration.")

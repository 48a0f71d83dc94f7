"""The page of the metrics: definitions from docstrings, rows from the table of quantities."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from docstrings import as_page
from tables import code, plain, table

from runner.config.descriptions import Setting, choices, settings_of_choice, within
from runner.metric.quantities import QUANTITIES
from runner.metric.quantity import Quantity, Score

_OTHERS = {
    "mig_density": ("evaluation.mig_density.mig_density",),
    "information": ("evaluation.information.set_information",),
    "reconstruction": ("evaluation.reconstruction.reconstruction_error",),
    "log_likelihood": ("evaluation.marginal_likelihood.log_likelihood",),
    "pruning": ("evaluation.pruning.Pruning.scores", "evaluation.pruning.pruning"),
    "udr": ("metric.udr.udr",),
    "perplexity": ("evaluation.topic_scores.perplexity",),
    "topic_coherence": ("evaluation.topic_scores.topic_coherence", "metric.npmi.npmi"),
    "topic_diversity": ("evaluation.topic_scores.topic_diversity",),
}
"""The functions of the scores that need more than the codes of one run; a new one fails the build
until it stands here."""

_OF_A_RUN = {
    "run": "Of training and the whole model",
    "validation": "Of the images set aside for validation",
    "terms": "The five terms",
    "information": "Information",
    "distances": "Distances of q(z) from the prior",
    "adversarial": "Of a generator and its discriminator, while they train",
    "summary": "Of the codes, in the summary",
}
"""Family of quantities that are no scores → its title, as they are shown."""

_INTRODUCTION = """\
# Metrics

Made from `runner/metric/quantities.py`, the docstrings of the functions and the comments of
`conf/metrics/` when this site was built. [Scoring](../scoring.md) says how runs are evaluated.

A name stands for a number in records, `summary.json`, `scores.json`, tables and on W&B.
`<codes>` is `mean` (the mean of q(z|x)) or `sampled`; `--metric` of `vaerun compare` takes names
without `scores/mean/` or `terms/`, such as `mig` and `index_code_mi`. All scores of codes are
independent of PyTorch: `vaerun evaluate --codes FILE.npz` computes them for another program's.
"""


def pages(root: Path) -> dict[str, str]:
    """Return the page by its path."""
    return {"reference/metrics.md": "\n".join(_lines(root))}


def families() -> dict[str, list[Quantity]]:
    """Return the rows of each score, by the name that it has in ``conf/metrics/``."""
    found: dict[str, list[Quantity]] = {}
    for row in QUANTITIES:
        if row.name.startswith(("scores/<codes>/", "scores/model/")):
            found.setdefault(row.family, []).append(row)
    return found


def _lines(root: Path) -> Iterator[str]:
    yield _INTRODUCTION
    scores = families()
    yield from ("## Of every run", "")
    in_scores = {row for rows in scores.values() for row in rows}
    for family, title in _OF_A_RUN.items():
        rows = [row for row in QUANTITIES if row.family == family and row not in in_scores]
        yield from (f"### {title} {{#of-every-run-{family}}}", "", *_rows(rows))
    yield from ("## Scores", "")
    needs = ((f"[{name}](#{name})", plain(rows[0].title), _needs(name, rows)) for name, rows
             in scores.items())  # fmt: skip
    yield from table(("score", "main number", "needs"), needs)
    for name, rows in scores.items():
        yield from _of_score(root, name, rows)


def _of_score(root: Path, name: str, rows: list[Quantity]) -> Iterator[str]:
    score = next((row.score for row in rows if row.score), None)
    places = (f"metric.{score.function}",) if score else _OTHERS[name]
    yield from (f"### {name} {{#{name}}}", "")
    if said := _settings("reference", name)[:1]:
        yield from (f"*{plain(said[0].help)}*", "")
    yield from (f"**Needs:** {_needs(name, rows)}.", "")
    yield from _rows(rows)
    yield from (as_page(_docstring(root, place)) for place in places)
    yield from _setting_table(name)
    functions = " and ".join(f"[`runner.{place}`][runner.{place}]" for place in places)
    yield from (f"Computed by {functions}.", "")


def _needs(name: str, rows: list[Quantity]) -> str:
    score = next((row.score for row in rows if row.score), None)
    if score is not None:
        return _needs_of_codes(score)
    if name == "udr":
        return "codes of two runs or more, of the same images"
    factors = " and factors" if name in ("information", "mig_density") else ""
    of_topics = name in ("topic_coherence", "topic_diversity")
    density = "" if name == "reconstruction" or of_topics else ", with a density q(z|x)"
    counts = ", of counts of words" if of_topics or name == "perplexity" else ""
    return f"the model{counts}{density}{factors}"


def _needs_of_codes(score: Score) -> str:
    if score.of_class:
        return "codes and the class of each image"
    factors = {0: "", 1: " and a factor"}.get(
        score.least_factors, f" and {score.least_factors} factors"
    )
    variables = f" of {score.least_variables} variables" if score.least_variables > 1 else ""
    return f"codes{variables}{factors}"


def _rows(rows: Sequence[Quantity]) -> Iterator[str]:
    columns = {"name": [code(row.name) for row in rows], "meaning": [plain(r.title) for r in rows]}
    columns |= {"unit": [row.unit for row in rows], "better": [row.better or "" for row in rows]}
    filled = {title: column for title, column in columns.items() if any(column)}
    yield from table(tuple(filled), zip(*filled.values(), strict=True))


def _setting_table(name: str) -> Iterator[str]:
    """Yield the settings of a score, with the values of ``reference`` and of ``fast``."""
    fast = {s.key: s.default for s in _settings("fast", name)}
    rows = [
        (code(s.key), code(s.default), code(fast.get(s.key, "")) or "not computed", plain(s.help))
        for s in _settings("reference", name)
        if s.default
    ]
    titles = ("setting", "`metrics=reference`", "`metrics=fast`", "meaning")
    yield from table(titles, rows)


def _settings(preset: str, name: str) -> list[Setting]:
    (choice,) = (choice for choice in choices("metrics") if choice.name == preset)
    return within(settings_of_choice("metrics", choice), f"metrics.{name}")


def _docstring(root: Path, place: str) -> str:
    """Return the docstring of ``module.function`` in ``runner``, without importing it."""
    folder, module, *names = place.split(".")
    found: ast.AST = ast.parse((root / "runner" / folder / f"{module}.py").read_text())
    for name in names:
        inside = (n for n in ast.iter_child_nodes(found) if getattr(n, "name", None) == name)
        found = next(inside)
    text = ast.get_docstring(found) if isinstance(found, ast.FunctionDef) else None
    if not text:
        raise ValueError(f"{place} has no docstring")
    return text

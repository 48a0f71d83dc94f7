"""The page is whole, well formed, asks nothing of a network, and shows hostile names as words."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runner.comparison.best import best_of
from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.runs import ComparedRun
from runner.comparison.statistics import Difference, difference
from runner.report.html import render, title
from runner.report.html_differences import in_words
from runner.report.html_metrics import fixed, metric_names, metric_titles
from runner.report.html_results import SHOWN
from runner.report.html_runs import common_folder
from tests.read_html import VOID, plain, rows, tree_of

HOSTILE = (
    "</script></noscript><script>alert(1)</script><img src=//x.example onerror='x'>\"&amp;{{more}}"
)


def run_of(
    objective: str = "hfvae", beta: float = 4, seed: int = 0, **metrics: float
) -> ComparedRun:
    settings = {"objective.name": objective, "dataset.name": "mnist", "beta": beta, "seed": seed}
    path = Path(f"outputs/grid/{objective}-{beta}-{seed}")
    return ComparedRun(path, "finished", None, {**settings, "batch_size": 64}, metrics)


def configuration_of(runs: Sequence[ComparedRun], by: Sequence[str]) -> Configuration:
    return Configuration({key: runs[0].settings[key] for key in by}, tuple(runs))


def grid(seeds: int = 5) -> Comparison:
    source = np.random.default_rng(0)
    configurations = [
        configuration_of(
            [
                run_of(
                    objective,
                    beta,
                    seed,
                    elbo=-100 - beta + source.normal(0, 0.3),
                    rate=20 / beta,
                    **{"terms/reconstruction": 80 + beta, "scores/mean/mig": 0.1 * beta},
                )
                for seed in range(seeds)
            ],
            ("objective.name", "beta"),
        )
        for objective in ("beta_vae", "hfvae")
        for beta in (1, 4, 12)
    ]
    return Comparison(
        tuple(configurations), ("objective.name", "beta"), ("elbo", "terms/reconstruction"), ()
    )


def differences_of(comparison: Comparison) -> list[Difference]:
    first, *others = comparison.configurations
    return [
        difference(configuration, first, m) for m in comparison.metrics for configuration in others
    ]


def page_of(
    comparison: Comparison, figures: Mapping[str, bytes] | None = None, **options: Any
) -> str:
    return render(comparison, differences_of(comparison), figures or {}, **options)


def png(width: int, height: int, *, noise: bool = False) -> bytes:
    pixels = np.zeros((height, width, 3), np.uint8)
    if noise:
        pixels = np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def test_the_page_is_well_formed():
    page = page_of(grid(), {"rate_distortion": png(8, 4)}, command="vaerun compare outputs/grid")
    tree = tree_of(page)
    assert page.startswith("<!doctype html>")
    assert tree.one("title").text == "beta_vae and hfvae on mnist, by beta"
    assert tree.one("h1").text == tree.one("title").text
    assert "{{" not in page
    identities = [e.attributes["id"] for tag in VOID | {"table", "section", "script", "noscript"}
                  for e in tree.all(tag) if "id" in e.attributes]  # fmt: skip
    assert len(identities) == len(set(identities)) > 4


def test_nothing_outside_of_the_page_is_referred_to():
    page = page_of(grid(), {"rate_distortion": png(8, 4)})
    tree = tree_of(page)
    for tag in ("img", "link", "script", "a", "iframe", "object", "source"):
        for element in tree.all(tag):
            for name in ("src", "href", "srcset", "data"):
                assert element.attributes.get(name, "data:").startswith("data:"), element
    assert not re.search(r"https?:|url\(|@import|@font-face|//\w+\.\w", page)
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|eval|WebSocket|sendBeacon)\(", page)


def test_the_policy_lets_the_page_s_own_script_run_and_nothing_else():
    tree = tree_of(page_of(grid()))
    (policy,) = [
        meta.attributes["content"]
        for meta in tree.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    (script,) = [s for s in tree.all("script") if "type" not in s.attributes]
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy


def hostile() -> Comparison:
    by = ("objective.name", HOSTILE)
    configurations = [
        configuration_of(
            [
                ComparedRun(
                    Path("outputs") / HOSTILE / str(seed),
                    "finished",
                    None,
                    {**run_of(seed=seed).settings, HOSTILE: value, "shared" + HOSTILE: HOSTILE},
                    {"elbo": 1.0 + seed, HOSTILE: 2.0, "scores/" + HOSTILE: 3.0},
                )
                for seed in range(3)
            ],
            by,
        )
        for value in (HOSTILE, HOSTILE + "2")
    ]
    left = changed(run_of(), state="diverged", error=HOSTILE, path=Path(HOSTILE))
    return Comparison(tuple(configurations), by, ("elbo", HOSTILE), (left,))


def test_hostile_names_are_words_and_nothing_more():
    comparison = hostile()
    page = page_of(comparison, {HOSTILE: png(4, 4)}, command=HOSTILE)
    tree = tree_of(page)
    kinds = [s.attributes.get("type", "") for s in tree.all("script")]
    assert kinds == ["application/json", ""]
    assert len(tree.all("img")) == 1  # the figure
    assert tree.one("img").attributes.keys() == {"src", "alt", "width", "height", "style"}
    assert tree.one("pre").text == HOSTILE  # and a place of the template in a name stays as it is
    assert HOSTILE in tree.one("table", id="results").text
    assert HOSTILE in tree.one("noscript", id="every-run").text
    assert HOSTILE in tree.one("section", id="settings").text
    # A browser with scripts reads what a <noscript> and a <script> hold as text to the first end.
    assert page.count("</script") == 2
    assert page.count("</noscript") == page.count("<noscript")


def test_further_metrics_are_json_that_cannot_end_its_script():
    tree = tree_of(page_of(hostile()))
    text = tree.one("script", id="more").text
    assert "<" not in text
    content = json.loads(text)
    assert content[HOSTILE.join(["scores/", ""])]["values"] == [[3.0] * 3, [3.0] * 3]


def test_a_row_holds_settings_means_and_deviations():
    runs = [run_of(beta=4, seed=s, elbo=v) for s, v in enumerate([-100.0, -101.0, -102.0])]
    lone = [run_of(beta=12, elbo=-103.25), run_of(beta=12, seed=1)]
    configurations = (configuration_of(runs, ("beta",)), configuration_of(lone, ("beta",)))
    tree = tree_of(page_of(Comparison(configurations, ("beta",), ("elbo", "rate"), ())))
    first, second = rows(tree.one("table", id="results"))
    assert first == ["4", "3", "-101.0 ± 1.0", "none"]
    assert second == ["12", "2", "-103.2 n 1", "none"]
    bold = [plain(td.text) for td in tree.all("td") if "best" in td.attributes.get("class", "")]
    assert bold == ["-101.0 ± 1.0"]
    values = [td.attributes["data-v"] for td in tree.one("table", id="results").all("td")
              if "data-v" in td.attributes]  # fmt: skip
    assert values == ["-101.0", "", "-103.25", ""]


def test_a_setting_without_effect_is_left_blank():
    runs = [run_of("vae", elbo=1.0)], [run_of("hfvae", elbo=2.0)]
    configurations = tuple(
        Configuration({"objective.name": r[0].settings["objective.name"], "beta": beta}, tuple(r))
        for r, beta in zip(runs, (None, 4.0), strict=True)
    )
    tree = tree_of(page_of(Comparison(configurations, ("objective.name", "beta"), ("elbo",), ())))
    assert [row[:2] for row in rows(tree.one("table", id="results"))] == [
        ["vae", "none"],
        ["hfvae", "4"],
    ]


def test_every_run_is_there_for_a_reader_without_scripts():
    comparison = grid(seeds=2)
    listed = tree_of(page_of(comparison)).one("noscript", id="every-run").one("table")
    groups = listed.all("tbody")
    assert len(groups) == len(comparison.configurations)
    for group, configuration in zip(groups, comparison.configurations, strict=True):
        runs = [row for row in group.all("tr") if row.attributes["class"] == "run"]
        names = [row.one("th").text for row in runs]
        assert names == [run.path.name for run in configuration.runs]
        assert [row.all("td")[0].text for row in runs] == ["seed 0", "seed 1"]
        # The script puts these rows below the configuration's own: they must fill the same columns.
        spans = int(runs[0].one("th").attributes["colspan"]) + len(runs[0].all("td"))
        assert spans == len(comparison.by) + 1 + len(comparison.metrics)


def test_one_configuration_of_one_run_is_a_page_too():
    configuration = Configuration({}, (run_of(elbo=-3.0),))
    tree = tree_of(render(Comparison((configuration,), (), ("elbo",), ()), [], {}))
    assert rows(tree.one("table", id="results")) == [["all runs", "1", "-3.00"]]
    assert not tree.all("section", id="differences")
    assert not tree.all("section", id="figures")
    assert not tree.all("pre")


def test_rows_beyond_the_first_are_marked_for_the_script():
    configurations = tuple(
        configuration_of([run_of(beta=b, elbo=-b)], ("beta",)) for b in range(1, SHOWN + 11)
    )
    comparison = Comparison(configurations, ("beta",), ("elbo",), ())
    tree = tree_of(page_of(comparison))
    late = [
        "late" in b.attributes.get("class", "")
        for b in tree.one("table", id="results").all("tbody")
    ]
    assert late == [False] * SHOWN + [True] * 10
    block = tree.one("section", id="differences")
    assert len(block.one("tbody").all("tr")) == 200
    assert "The 200 largest of 259 differences." in block.text


def made(mean: float, low: float | None, high: float | None, metric: str = "elbo") -> Difference:
    configuration = configuration_of([run_of()], ("beta",))
    return Difference(
        metric,
        configuration,
        configuration,
        (0, 1, 2) if low is not None else (0,),
        mean,
        low,
        high,
    )


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (made(2, 1, 3), "higher (better)"),
        (made(-2, -3, -1), "lower (worse)"),
        (made(-2, -3, -1, "terms/reconstruction"), "lower (better)"),
        (made(2, 1, 3, "rate"), "higher"),
        (made(2, -1, 3), "no clear difference"),
        (made(2, None, None), "fewer than 3 seeds in common"),
        (changed(made(float("nan"), None, None), seeds=()), "no seed in common"),
    ],
)
def test_a_difference_is_worded_plainly(one: Difference, said: str):
    assert in_words(one) == said


def test_differences_stand_metric_by_metric_against_their_baseline():
    comparison = grid()
    section = tree_of(page_of(comparison)).one("section", id="differences")
    blocks = section.all("noscript")
    assert [b.attributes["data-metric"] for b in blocks] == ["elbo", "reconstruction"]
    found = difference(comparison.configurations[2], comparison.configurations[0], "elbo")
    label, mean, interval, _, seeds, said = rows(blocks[0])[1]
    assert (label, seeds, said) == ("beta_vae, beta 12", "5", "lower (worse)")
    assert float(mean) == pytest.approx(found.mean, abs=0.05)
    low, high = (float(end) for end in interval.split(" to "))
    assert (low, high) == pytest.approx((found.low, found.high), abs=0.05)
    assert "These are 5 intervals" in blocks[0].text
    assert "Against beta_vae, beta 1:" in blocks[0].text


def test_an_interval_is_drawn_where_it_lies():
    section = tree_of(page_of(grid())).one("section", id="differences")
    for row in section.all("noscript")[0].all("tbody")[0].all("tr"):
        zero, line = row.one("svg").all("line")
        ends = [float(line.attributes[name].rstrip("%")) for name in ("x1", "x2")]
        dot = float(row.one("circle").attributes["cx"].rstrip("%"))
        at_zero = float(zero.attributes["x1"].rstrip("%"))
        assert 0 <= ends[0] <= dot <= ends[1] <= 100
        is_clear = row.attributes["class"] == "clear"
        assert is_clear == (not ends[0] <= at_zero <= ends[1])


def test_a_figure_is_in_the_page_with_its_size_and_words():
    pictures = {"heat_map_2": png(30, 20), "something_else": png(5, 6)}
    first, second = tree_of(page_of(grid(), pictures)).all("figure")
    source = first.one("img").attributes["src"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(source) == pictures["heat_map_2"]
    assert first.one("img").attributes["width"] == "30"
    assert first.one("img").attributes["height"] == "20"
    assert first.one("img").attributes["alt"].startswith("Metrics over two settings (2).")
    assert second.one("figcaption").text.strip() == "Something else."


def test_what_is_excluded_and_why():
    comparison = grid()
    left = changed(run_of(), state="diverged", error="the loss is NaN", path=Path("grid/7"))
    again = changed(run_of(), path=Path("grid/8"))
    comparison = changed(comparison, excluded=(left,), duplicates=(again,))
    header = tree_of(page_of(comparison)).one("header")
    assert header.one("summary").text == "2 runs excluded: 1 diverged, 1 duplicate"
    assert rows(header.one("table")) == [
        ["grid/7", "diverged", "the loss is NaN"],
        ["grid/8", "duplicate", "a later run has the same settings and seed"],
    ]


def test_shared_settings_are_listed_and_others_named():
    comparison = grid()
    run = comparison.configurations[0].runs[0]
    odd = changed(run, settings={**run.settings, "name": "odd"})
    configurations = (
        changed(comparison.configurations[0], runs=(odd,)),
        *comparison.configurations[1:],
    )
    section = tree_of(page_of(changed(comparison, configurations=configurations))).one(
        "section", id="settings"
    )
    shared = {row.one("dt").text: row.one("dd").text for row in section.one("dl").all("div")}
    assert shared == {"dataset.name": "mnist", "batch_size": "64"}
    assert [code.text for code in section.all("code")] == ["name"]


def test_runs_that_are_pooled_are_said_to_be():
    pooled = changed(grid(), pooled=("learning_rate",))
    assert "differ in more than their seed: in learning_rate." in tree_of(page_of(pooled)).text


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ((), "hfvae on mnist"),
        (("objective.name", "dataset.name", "beta"), "hfvae on mnist, by beta"),
        (("beta", "prior.name", "seed"), "hfvae on mnist, by beta, prior and seed"),
    ],
)
def test_the_title_says_what_is_compared(by: tuple[str, ...], said: str):
    assert title(Comparison((Configuration({}, (run_of(),)),), by, ("elbo",), ())) == said


def test_names_of_metrics_are_short_and_all_different():
    metrics = ("scores/mean/mig", "mig", "terms/rate", "elbo", "scores/purity", "terms/purity")
    run = run_of(**dict.fromkeys(metrics, 0.0))
    comparison = Comparison((Configuration({}, (run,)),), (), ("elbo", "scores/mean/sap"), ())
    names, titles = metric_names(comparison), metric_titles(comparison)
    assert names["scores/mean/mig"] == "scores/mean/mig"  # "mig" is another's
    assert names["terms/rate"] == "rate"
    assert names["scores/mean/sap"] == "sap"
    assert titles["elbo"] == "ELBO"
    for found in (names, titles):
        assert len(set(found.values())) == len(metrics) + 1


def test_the_best_is_of_each_dataset_and_only_where_one_way_is_better():
    configurations = [
        Configuration(
            {}, (ComparedRun(Path("r"), "finished", None, {"dataset.name": d}, {"elbo": v}),)
        )
        for d, v in [("mnist", -1.0), ("mnist", -2.0), ("digits", -9.0), ("digits", -8.0)]
    ]
    assert best_of(configurations, "elbo") == {0, 3}
    assert best_of(configurations[:1], "elbo") == set()  # alone it is not the best of anything
    assert best_of(configurations, "rate") == set()


def test_numbers_have_a_true_minus_and_no_negative_zero():
    assert fixed(-1.25, 1) == "\N{MINUS SIGN}1.2"
    assert fixed(-0.001, 1) == "0.0"
    assert [plain(fixed(v, 1, signed=True)) for v in (2.0, -2.0, -0.01)] == ["+2.0", "-2.0", "0.0"]


def test_the_folder_that_runs_share():
    def at(*paths: str) -> str:
        return common_folder([changed(run_of(), path=Path(path)) for path in paths])

    assert at("outputs/grid/0", "outputs/grid/1") == "outputs/grid"
    assert at("outputs/a/0", "outputs/ab/0") == "outputs"
    assert at("a/0", "/b/0") == at("a/0", "b/0") == at("/a/0", "/b/0") == at() == ""


def test_how_the_page_was_made():
    comparison = grid()
    section = tree_of(page_of(comparison, command="vaerun compare 'my runs'"))
    made = section.one("section", id="origin")
    assert made.one("pre").text == "vaerun compare 'my runs'"
    assert "The runs lie beneath outputs/grid." in made.text
    above = [changed(run, path=Path("..") / run.path) for run in comparison.configurations[0].runs]
    configuration = changed(comparison.configurations[0], runs=tuple(above))
    made = tree_of(page_of(changed(comparison, configurations=(configuration,)))).one(
        "section", id="origin"
    )
    assert "beneath" not in made.text


def test_a_page_of_a_large_grid_stays_small_and_is_always_the_same():
    figures = {f"figure_{i}": png(300, 300, noise=True) for i in range(5)}
    comparison = grid(seeds=14)
    page = page_of(comparison, figures)
    assert len(comparison.runs) > 80
    assert len(page.encode()) - 4 / 3 * sum(map(len, figures.values())) < 150_000
    assert page == page_of(comparison, figures)


def test_a_page_grows_in_step_with_its_runs():
    def size(count: int) -> int:
        configurations = tuple(
            configuration_of([run_of(beta=b, elbo=-b)], ("beta",)) for b in range(1, count)
        )
        return len(page_of(Comparison(configurations, ("beta",), ("elbo",), ())))

    assert (size(600) - size(300)) / 300 < 600  # of these characters a run


def test_the_script_is_short_enough_to_be_read():
    script = resources.files("runner.report").joinpath("page.js").read_text(encoding="utf-8")
    assert len(script.splitlines()) < 300

"""The page of a comparison in a browser, whose address sorts, filters and opens rows."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.conftest import command, environment
from tests.read_html import Element, plain, tree_of

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

Look = Callable[[str], Element]


def write_run(folder: Path, objective: str, batch_size: int, seed: int) -> None:
    folder.mkdir(parents=True)
    config = {
        "objective": {"name": objective},
        "dataset": {"name": "digits"},
        "batch_size": batch_size,
        "seed": seed,
    }
    elbo = -50 - batch_size + seed / 10 + (objective == "hfvae")
    numbers = {
        "elbo": elbo,
        "rate": 9 - batch_size / 2,
        "scores": {"purity": 0.9, "odd": seed + 0.5},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "status.json").write_text(json.dumps({"state": "finished", "error": None}))
    (folder / "summary.json").write_text(json.dumps({"step": 9, **numbers}))


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no chromium on this machine")
    return found


@pytest.fixture(scope="module")
def page(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 18 runs."""
    folder = tmp_path_factory.mktemp("compare")
    configurations = [(name, size) for name in ("beta_vae", "hfvae") for size in (1, 4, 12)]
    for i, (objective, batch_size) in enumerate(configurations):
        for seed in range(3):
            write_run(folder / "grid" / f"{3 * i + seed}", objective, batch_size, seed)
    arguments = ("compare", "grid", "--metric", "elbo,rate", "--no-figures", "--html", "page.html")
    subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder),
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder / "page.html"


@pytest.fixture
def look(browser: str, page: Path, tmp_path: Path) -> Look:
    """``look("sort=elbo")``: the page as a browser has it at that address."""

    def look(state: str) -> Element:
        shown = subprocess.run(
            [
                browser,
                *QUIET,
                f"--user-data-dir={tmp_path}",
                "--dump-dom",
                f"{page.as_uri()}#{state}",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return tree_of(shown.stdout)

    return look


def bodies(page: Element) -> list[Element]:
    """The bodies of the configurations that are shown, from above."""
    every = page.one("table", id="results").all("tbody")
    return [body for body in every if "hidden" not in body.attributes]


def column(page: Element, name: str) -> list[str]:
    """The entries of a column, from above."""
    heads = page.one("table", id="results").one("thead").all("th")
    (place,) = [i for i, head in enumerate(heads) if head.attributes["data-name"] == name]
    firsts = [body.one("tr", **{"class": "configuration"}) for body in bodies(page)]
    entries = [[e for e in row.children if isinstance(e, Element)][place] for row in firsts]
    return [plain(entry.text) for entry in entries]


def test_the_page_as_it_opens(look: Look):
    page = look("")
    assert page.one("output").text == "6 of 6 rows, 18 runs"
    assert column(page, "objective") == ["beta_vae"] * 3 + ["hfvae"] * 3
    assert all(len(body.all("tr")) == 1 for body in bodies(page))
    chips = [button.text for button in page.all("button", **{"class": "chip"})]
    assert chips == ["beta_vae", "hfvae", "1", "4", "12"]
    (shown,) = page.all("div", **{"class": "shown"})
    assert "Against beta_vae, batch_size 1:" in shown.text
    assert shown.one("h3").text == "ELBO"


def test_an_address_sorts_and_filters(look: Look):
    page = look("sort=-elbo&filter=HFVAE")
    assert column(page, "elbo") == ["-49.90 ± 0.10", "-52.90 ± 0.10", "-60.90 ± 0.10"]
    assert page.one("output").text == "3 of 6 rows, 9 runs"
    (sorted_by,) = [th for th in page.all("th") if th.attributes.get("aria-sort") == "descending"]
    assert sorted_by.attributes["data-key"] == "elbo"
    page = look("sort=rate&filter=batch_size=1")
    assert column(page, "batch_size") == ["1", "1"]  # and not 12
    assert column(look("sort=batch_size"), "batch_size") == ["1", "1", "4", "4", "12", "12"]


def test_an_address_chooses_values_columns_and_a_metric(look: Look):
    page = look("batch_size=12&batch_size=4&objective=hfvae&columns=elbo,odd&metric=rate")
    assert column(page, "batch_size") == ["4", "12"]
    assert column(page, "odd") == ["1.5 ± 1.0"] * 2
    pressed = page.all("button", **{"aria-pressed": "true"})
    assert [button.text for button in pressed] == ["hfvae", "4", "12"]
    boxes = page.one("details", **{"class": "picker"}).all("label")
    assert [label.text.strip() for label in boxes] == ["ELBO", "rate", "odd", "purity"]
    (rule,) = [style.text for style in page.all("style") if style.text.startswith("#results")]
    assert rule == "#results tr > :nth-last-child(2) { display: none }"  # rate
    (shown,) = page.all("div", **{"class": "shown"})
    assert shown.one("h3").text == "rate"


def test_an_address_opens_rows_on_their_runs(look: Look):
    page = look("open=1,4&columns=elbo,odd&sort=-elbo")
    opened = {b.attributes["data-i"]: b for b in bodies(page) if len(b.all("tr")) > 1}
    assert opened.keys() == {"1", "4"}
    runs = [[plain(entry.text) for entry in row.children if isinstance(entry, Element)]
            for row in opened["4"].all("tr", **{"class": "run"})]  # fmt: skip
    assert runs == [
        [f"{12 + seed}", f"seed {seed}", f"{-53 + seed / 10:.2f}", "7.00", f"{seed + 0.5}"]
        for seed in range(3)
    ]
    assert opened["4"].one("button").attributes["aria-expanded"] == "true"


def test_an_address_that_means_nothing_shows_the_page(look: Look):
    page = look("sort=nothing&nothing=1&open=99,x&metric=nothing&%%%&filter=")
    assert column(page, "objective") == ["beta_vae"] * 3 + ["hfvae"] * 3
    assert column(look("filter=nothing"), "objective") == []

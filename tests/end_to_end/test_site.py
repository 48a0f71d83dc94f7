"""The documentation site builds without a warning, and has a page for all that the code says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from runner.commands.manual import MANUAL
from runner.config.descriptions import LISTED_GROUPS, choices, settings_of_choice, shared_settings
from runner.metric import METRICS
from runner.metric.quantities import QUANTITIES

ROOT = Path(__file__).parents[2]
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
"""Advertisements of the themes' makers, which are written as warnings."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with warnings as errors: broken links, anchors and references among them."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


class _Loaded(HTMLParser):
    """Collects what a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.addresses.append(known.get("src") or "")
        if tag == "link" and known.get("rel") not in ("canonical", "prev", "next"):
            self.addresses.append(known.get("href") or "")


def test_a_page_loads_nothing_from_another_server(site: Path):
    pages = [site / "index.html", site / "reference" / "metrics" / "index.html"]
    for page in pages:
        loaded = _Loaded()
        loaded.feed(page.read_text())
        assert len(loaded.addresses) > 3
        for address in filter(None, loaded.addresses):
            assert re.match(r"(https?:)?//", address) is None, address
            assert address.startswith("data:") or (page.parent / address.partition("?")[0]).exists()


def test_a_setting_is_on_the_page_of_settings_with_its_default(site: Path):
    page = unescape((site / "reference" / "settings" / "index.html").read_text())
    known = [
        s for group in LISTED_GROUPS for c in choices(group) for s in settings_of_choice(group, c)
    ]
    for setting in [*shared_settings(), *known]:
        assert f"<code>{setting.key}</code>" in page or f'id="{setting.key}"' in page, setting.key
        assert not setting.default or f"<code>{setting.default}</code>" in page, setting.key


def test_a_score_is_on_the_page_of_metrics_with_its_definition(site: Path):
    page = unescape((site / "reference" / "metrics" / "index.html").read_text())
    for row in QUANTITIES:
        if row.family != "other" and not row.name.startswith(("levels", "penalties", "scheduled")):
            assert f"<code>{row.name}</code>" in page, row.name
    for name in METRICS:
        section = page.partition(f'id="{name}"')[2].partition("<h3")[0]
        assert "<strong>Source:</strong>" in section, name
        assert f"<code>metrics.{name}" in section, name


def test_a_command_is_on_the_page_of_commands_with_its_options(site: Path):
    page = (site / "reference" / "commands" / "index.html").read_text()
    for command in MANUAL.values():
        anchor = command.name.replace(" ", "-") or "vaerun"
        assert f'id="{anchor}"' in page
        for option in command.options:
            assert option.refused or f"<code>{option.name}</code>" in page, option.name


def test_a_module_has_a_page_and_search_finds_its_functions(site: Path):
    for path in (ROOT / "runner").rglob("*.py"):
        parts = path.relative_to(ROOT / "runner").with_suffix("").parts
        place = "/".join(part for part in parts if part != "__init__")
        if path.stem != "__main__":
            assert (site / "reference" / "api" / place / "index.html").is_file(), path
    index = json.loads((site / "search" / "search_index.json").read_text())
    known = {entry["location"] for entry in index["docs"]}
    assert "reference/api/metric/mig/#runner.metric.mig.mig" in known
    assert "reference/metrics/#mig" in known
    assert "data/#your-own-images" in known


def test_a_function_is_shown_with_its_parameters_and_errors(site: Path):
    page = (site / "reference" / "api" / "metric" / "registry" / "index.html").read_text()
    compute = unescape(
        re.sub(r"<[^>]+>", "", page.partition('id="runner.metric.registry.compute"')[2])
    )
    said = " ".join(compute.split())
    assert "the codes to be scored, with the factors of their images" in said
    assert re.search(r"Raises: UsageError . when the score is not defined for these codes", said)

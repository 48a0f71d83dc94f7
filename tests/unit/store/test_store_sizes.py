"""Sizes count what is in a folder, and nothing that links point to."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.store.sizes import size_text, sizes


def test_entries_are_counted_with_all_beneath_them_and_links_are_not(tmp_path: Path):
    (tmp_path / "outside").write_bytes(bytes(5000))
    here = tmp_path / "here"
    (here / "a" / "b").mkdir(parents=True)
    (here / "a" / "b" / "c").write_bytes(bytes(30))
    (here / "a" / "d").write_bytes(bytes(3))
    (here / "e").write_bytes(bytes(100))
    (here / "link").symlink_to(tmp_path)
    (here / "a" / "loop").symlink_to(here)
    assert sizes(here) == {"e": 100, "a": 33, "link": 0}
    assert list(sizes(here)) == ["e", "a", "link"]
    assert sizes(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9960, "10 kB"),
        (999_400, "999 kB"), (999_600, "1.0 MB"), (3 * 10**9, "3.0 GB"), (7 * 10**15, "7000 TB"),
    ],
)  # fmt: skip
def test_sizes_have_two_digits_or_more(count: int, text: str):
    assert size_text(count) == text

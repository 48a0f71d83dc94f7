"""Links that work in the repository and on the site: a hook of mkdocs."""

from __future__ import annotations

import re

from mkdocs.structure.pages import Page

_OUT = re.compile(r"\]\(((?:\.\./)+)(SECURITY|CONTRIBUTING|CHANGELOG)\.md")


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Lead links to the files at the top of the repository to their pages.

    From ``docs/PAGE.md`` these are ``../SECURITY.md``: one folder further up than on the site. The
    first page needs no navigation beside it.
    """
    if page.is_homepage:
        page.meta["hide"] = ["navigation", "toc"]
    return _OUT.sub(lambda link: f"]({link[1][3:]}{link[2].lower()}.md", markdown)

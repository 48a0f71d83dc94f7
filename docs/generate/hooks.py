"""Links that work in the repository and on the site: a hook of mkdocs."""

from __future__ import annotations

import re

_OUT = re.compile(r"\]\(((?:\.\./)+)(SECURITY|CONTRIBUTING|CHANGELOG)\.md")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead links to the files at the top of the repository to their pages.

    From ``docs/PAGE.md`` these are ``../SECURITY.md``: one folder further up than on the site.
    """
    return _OUT.sub(lambda link: f"]({link[1][3:]}{link[2].lower()}.md", markdown)

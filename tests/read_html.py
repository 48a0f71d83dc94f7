"""Reads a page of HTML as a tree, strictly, for tests that look at what a page says."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br", "wbr"}
"""Elements of HTML that hold nothing and are never closed."""


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if child.tag == tag and attributes.items() <= child.attributes.items():
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def one(self, tag: str, **attributes: str) -> Element:
        (found,) = self.all(tag, **attributes)
        return found


class Tree(HTMLParser):
    """Reads HTML strictly: whatever is opened is closed, in turn, and no attribute stands twice."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # a shape of a drawing, which SVG closes so
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def tree_of(page: str) -> Element:
    reader = Tree()
    reader.feed(page)
    reader.close()
    assert [element.tag for element in reader.open] == ["document"]
    return reader.open[0]


def plain(text: str) -> str:
    """A page's numbers as they are typed."""
    return text.strip().replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "none")


def rows(table: Element) -> list[list[str]]:
    return [
        [plain(cell.text) for cell in row.children if isinstance(cell, Element)]
        for body in table.all("tbody")
        for row in body.all("tr")
    ]

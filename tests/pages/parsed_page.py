"""A page taken apart: its elements with their texts, in order."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = {"meta", "input", "link", "br", "img"}


@dataclass
class Element:
    tag: str
    attributes: dict
    inside: list = field(default_factory=list)

    def all(self, *tags):
        for part in self.inside:
            if isinstance(part, Element):
                if part.tag in tags:
                    yield part
                yield from part.all(*tags)

    @property
    def text(self):
        return "".join(part if isinstance(part, str) else part.text for part in self.inside)

    @property
    def classes(self):
        return (self.attributes.get("class") or "").split()


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.open[-1].inside.append(element)
        if tag not in EMPTY:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"<{self.open[-1].tag}> is closed by </{tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].inside.append(data)


def parsed(text):
    parser = _Parser()
    parser.feed(text)
    parser.close()
    (top,) = parser.open
    return top

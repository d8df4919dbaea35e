"""Elements of SVG with escaped texts, and scales from values to positions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from markupsafe import Markup, escape

from ..basics.names import number, split_path
from ..figures.colours import COLOURS

__all__ = [
    "Scale",
    "colour_class",
    "drawing",
    "element",
    "measure_colour",
    "path_colour",
    "shortened",
    "text",
    "upright_axis",
]

NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


def element(tag: str, *inside: object, **attributes: object) -> Markup:
    """An element with its content; a `class_` is a class, and other underscores are hyphens."""
    given = Markup("").join(
        Markup(' {}="{}"').format(name.strip("_").replace("_", "-"), _plain(value))
        for name, value in attributes.items()
        if value is not None
    )
    content = Markup("").join(escape(part) for part in inside)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), given, content)


def text(x: float, y: float, words: str, *, most: int = 60, **attributes: object) -> Markup:
    """A line of text, shortened to `most` characters; where it is, the full text is its tooltip."""
    short = shortened(words, most)
    tooltip = [element("title", words)] if short != words else []
    return element("text", short, *tooltip, x=x, y=y, **attributes)


def drawing(width: float, height: float, title: str, inside: Iterable[Markup], class_: str = "plot") -> Markup:
    """A picture with a name for screen readers."""
    box = f"0 0 {_plain(width)} {_plain(height)}"
    return element("svg", *inside, class_=class_, viewBox=box, width=width, height=height, role="img", aria_label=title)


def shortened(words: str, most: int) -> str:
    """The beginning of a long text."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def colour_class(position: int) -> str:
    """The class of a measure's colour, by its position in the model."""
    return f"c{position % len(COLOURS)}"


def measure_colour(name: str, measures: Sequence[str]) -> str:
    """The class of a measure's colour; one for what is no measure of the model."""
    return colour_class(measures.index(name)) if name in measures else "ink"


def path_colour(path: str, measures: Sequence[str]) -> str:
    """The class of a path's colour, which is that of its predictor."""
    return measure_colour((split_path(path) or ("",))[0], measures)


@dataclass(frozen=True)
class Scale:
    """A linear map from values to positions."""

    lowest: float
    highest: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, end: float, *, zero: bool = False) -> Self:
        """A scale that holds all finite values, and 0 where it is wanted, with a little room."""
        finite = [float(value) for value in values if math.isfinite(value)] + ([0.0] if zero else [])
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        room = 0.04 * (high - low) or 0.5
        return cls(low - room, high + room, start, end)

    def __call__(self, value: float) -> float:
        """The position of a value."""
        share = (value - self.lowest) / (self.highest - self.lowest)
        return self.start + share * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> Sequence[float]:
        """Round values inside the scale."""
        rough = (self.highest - self.lowest) / wanted
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * nice for nice in NICE if power * nice >= rough * 0.999)
        first, last = math.ceil(self.lowest / step), math.floor(self.highest / step)
        return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def upright_axis(up: Scale, left: float, right: float) -> list[Markup]:
    """Round values of an upright axis with the lines across the picture."""
    parts = list[Markup]()
    for value in up.ticks(4):
        y = up(value)
        parts.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(text(left - 6, y + 4, number(value), class_="tick", text_anchor="end"))
    return parts


def _plain(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value

"""The page's template, style and script."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from markupsafe import Markup

from ..figures.colours import COLOURS, DARK_COLOURS

__all__ = ["render"]


def render(page: Mapping[str, Any]) -> str:
    """The page as text; every text in it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = resources.files(__package__ or "") / "templates"
    style, script = (Markup((folder / name).read_text("utf-8")) for name in ("page.css", "page.js"))
    return environment.get_template("page.html").render(**page, style=_colours() + style, script=script)


def _colours() -> Markup:
    """Colours of measures as variables of the style, by theme."""
    light, dark = (
        " ".join(f"--c{place}: {colour};" for place, colour in enumerate(colours))
        for colours in (COLOURS, DARK_COLOURS)
    )
    return Markup(f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n")

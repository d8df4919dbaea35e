"""What prints as lines of text, on a page."""

from html import escape

__all__ = ["html_of"]


def html_of(shown: object) -> str:
    """The text of an object as an HTML element, its lines and aligned columns kept."""
    return f"<pre>{escape(str(shown))}</pre>"

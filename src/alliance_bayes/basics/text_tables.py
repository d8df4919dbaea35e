"""Tables of texts, printed as aligned lines or as HTML: the one printer of all answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Self

__all__ = ["Column", "TextTable"]

GAP = "  "


@dataclass(frozen=True)
class Column:
    """One column: its head, its cells, and whether they stand to the left."""

    head: str
    cells: tuple[str, ...]
    left: bool = False

    def lines(self) -> list[str]:
        """Head and cells, filled up to one width."""
        texts = (self.head, *self.cells)
        width = max(map(len, texts))
        return [text.ljust(width) if self.left else text.rjust(width) for text in texts]


@dataclass(frozen=True)
class TextTable:
    """Columns of equally many cells, the labels of the rows first.

    Examples
    --------
    >>> print(TextTable.of({"": ["alliance -> days", "days -> alliance"], "mean": ["0.25", "-0.02"]}))
                       mean
    alliance -> days   0.25
    days -> alliance  -0.02
    """

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[str]], *, left: Collection[str] = ()) -> Self:
        """Make a table of columns by their heads; the first one, and those in `left`, stand to the left."""
        return cls(
            tuple(
                Column(head, tuple(cells), not place or head in left)
                for place, (head, cells) in enumerate(columns.items())
            )
        )

    def __str__(self) -> str:
        rows = zip(*(column.lines() for column in self.columns), strict=True)
        return "\n".join(GAP.join(row).rstrip() for row in rows)

    def to_html(self) -> str:
        """Return the table as an HTML element, its texts escaped."""
        alignments = ["left" if column.left else "right" for column in self.columns]

        def row(tag: str, texts: Sequence[str]) -> str:
            cells = zip(alignments, texts, strict=True)
            inside = "".join(f'<{tag} style="text-align: {side}">{escape(text)}</{tag}>' for side, text in cells)
            return f"<tr>{inside}</tr>"

        heads = row("th", [column.head for column in self.columns])
        rows = zip(*(column.cells for column in self.columns), strict=True)
        return f"<table><thead>{heads}</thead><tbody>{''.join(row('td', texts) for texts in rows)}</tbody></table>"

"""Tables as files that papers and colleagues take."""

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from .calls import checked
from .given import shown
from .problems import AllianceBayesError
from .writing import make_folder, write_file

__all__ = ["export_table"]


class HasTables(Protocol):
    """An answer."""

    @property
    def every_table(self) -> Mapping[str, pd.DataFrame]:
        """All its tables by name."""


@checked(AllianceBayesError, apart=["table"])
def export_table(table: "pd.DataFrame | HasTables", path: str | os.PathLike[str], *, title: str = "") -> Path:
    """Write a table as CSV, Markdown, LaTeX, Excel or HTML, by the ending of the file.

    Parameters
    ----------
    table
        Any table of an answer, a fit or an estimate, or an answer that has one table only; the names of its rows become
        its first columns.
    path
        Ends in .csv, .md, .tex, .xlsx or .html. CSV and Excel hold all digits, the others three significant ones. LaTeX
        and HTML are made by Great Tables, Excel by openpyxl, both of the extra ``tables``.
    title
        Above a table of Markdown, LaTeX or HTML.

    Returns
    -------
    pathlib.Path
        The path; an older file there is replaced.

    Raises
    ------
    AllianceBayesError
        If the ending is another one, a package is missing, or the file cannot be written.
    """
    table = _one_table(table)
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        *others, last = _WRITERS
        alternatives = f"{', '.join(others)} or {last}"
        raise AllianceBayesError(f"{path}: a table is written to a file that ends in {alternatives}.")
    if not isinstance(table.index, pd.RangeIndex):
        table = table.rename_axis([name or "" for name in table.index.names]).reset_index()
    try:
        content = write(pd.DataFrame(table), title)
    except ImportError as error:
        raise AllianceBayesError(
            f'{path}: this needs the package {error.name}. Run: pip install "alliance-bayes[tables]"'
        ) from None
    make_folder(path.parent)
    write_file(path, content)
    return path


def _one_table(given: object) -> pd.DataFrame:
    """A data frame, or the one table that an answer has."""
    if isinstance(given, pd.DataFrame):
        return given
    tables = getattr(given, "every_table", None)
    if isinstance(tables, Mapping) and len(tables) == 1:
        return pd.DataFrame(next(iter(tables.values())))
    what = f"table must be a data frame; got {shown(given)}"
    if isinstance(tables, Mapping):
        own = {"table": ".table", "evidence": ".evidence"}
        named = ", ".join(own.get(name, f'.tables["{name}"]') for name in tables)
        raise AllianceBayesError(f"{what}, which has several tables; give one of them: {named}.")
    holds = isinstance(getattr(given, "table", None), pd.DataFrame)
    raise AllianceBayesError(f"{what}, which holds tables: give its .table, or another one." if holds else f"{what}.")


def _csv(table: pd.DataFrame, _: str) -> bytes:
    return bytes(table.to_csv(index=False).encode())


def _excel(table: pd.DataFrame, _: str) -> bytes:
    import openpyxl  # noqa: F401  # pandas' own error has no name of the package

    content = io.BytesIO()
    table.to_excel(content, index=False)
    return content.getvalue()


def _markdown(table: pd.DataFrame, title: str) -> bytes:
    texts = _texts(table)
    sides = ["--:" if is_numeric_dtype(kind) else ":--" for kind in table.dtypes]
    rows = [list(texts.columns), sides, *texts.to_numpy().tolist()]
    lines = [f"| {' | '.join(cell.replace('|', '\\|') for cell in row)} |" for row in rows]
    return "\n".join([*([f"**{title}**", ""] if title else []), *lines, ""]).encode()


def _latex(table: pd.DataFrame, title: str) -> bytes:
    return bytes(_great_table(table, title).as_latex().encode())


def _html(table: pd.DataFrame, title: str) -> bytes:
    return bytes(_great_table(table, title).as_raw_html().encode())


def _great_table(table: pd.DataFrame, title: str) -> Any:
    from great_tables import GT

    made = GT(_texts(table))
    numbers = [str(name) for name, kind in table.dtypes.items() if is_numeric_dtype(kind)]
    made = made.cols_align("right", columns=numbers) if numbers else made
    return made.tab_header(title=title) if title else made


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Cells as they are printed."""
    return table.map(_text).set_axis([str(name) for name in table.columns], axis="columns")


def _text(value: Any) -> str:
    if not isinstance(value, float | np.floating):
        return str(value)
    return "" if np.isnan(value) else f"{value:.3g}"


_WRITERS: dict[str, Callable[[pd.DataFrame, str], bytes]] = {
    ".csv": _csv,
    ".md": _markdown,
    ".tex": _latex,
    ".xlsx": _excel,
    ".html": _html,
}

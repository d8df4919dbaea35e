"""Files to data frames, codes and missing values as they stand in the file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from ..basics.calls import checked
from ..basics.given import shown
from ..basics.names import in_words
from ..basics.problems import PanelError
from .delimited import OPEN, Asked, Layout, check_once, read_delimited, separated_by
from .records import LeftOut

__all__ = ["Table", "no_file", "not_installed", "path_of", "read_frame", "read_table", "unreadable"]


DATA_FRAME = "data frame"


@dataclass(frozen=True, eq=False)
class Table:
    """A data frame, where it is from, how it was read, and the labels of its values.

    Attributes
    ----------
    source
        The name of the file, or "data frame".
    notes
        Sentences about how it was read and what was recoded.
    value_labels
        Column to value to label, as SPSS holds them.
    decimal
        The sign in numbers that are stored as text.
    first_line
        What the first row of the data is called in the file, such as ``("line", 2)``; None where rows are not lines.
    left_out
        Rows of the file that are not in the frame.
    """

    frame: pd.DataFrame
    source: str = DATA_FRAME
    notes: tuple[str, ...] = ()
    value_labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    decimal: str = "."
    first_line: tuple[str, int] | None = None
    left_out: tuple[LeftOut, ...] = ()

    def rows_in_words(self, positions: Sequence[int]) -> str:
        """Rows by their lines in the file, or by their positions where they have none."""
        several = "s" * (len(positions) > 1)
        line, first = self.first_line or ("row position", 0)
        named = f"{line}{several} {in_words([f'{first + each:,}' for each in positions])}"
        return f"{named} of the file" if self.first_line else f"{named} (counted from 0)"


def _read_text(path: Path, labels: Sequence[str], layout: Asked) -> Table:
    frame, used, first_line = read_delimited(path, labels, layout)
    words = [f"fields separated by {separated_by(used.delimiter)}"]
    words += ["decimal commas"] if used.decimal == "," else []
    words += [f"encoding {ENCODINGS.get(used.encoding, used.encoding)}"] if used.encoding != "utf-8" else []
    plain = used == Layout[str](",", "utf-8", ".")
    line = None if first_line is None else ("line", first_line)
    return Table(frame, path.name, () if plain else (in_words(words),), decimal=used.decimal, first_line=line)


def _read_workbook(path: Path, labels: Sequence[str], _: Asked) -> Table:
    import openpyxl  # noqa: F401  # so that pandas does not name its own cure

    with pd.ExcelFile(path, engine="openpyxl") as book:
        sheets = book.sheet_names
        header = pd.read_excel(book, header=None, nrows=1)
        check_once(path, [str(name) for name in header.to_numpy().ravel() if not pd.isna(name)])
        frame = pd.read_excel(book, dtype=dict.fromkeys(labels, object))
    notes = (f"the first of {len(sheets)} sheets, '{sheets[0]}'",) if len(sheets) > 1 else ()
    return Table(frame, path.name, notes, first_line=("row", 2))


def _read_parquet(path: Path, *_: object) -> Table:
    from pyarrow.parquet import read_schema

    check_once(path, read_schema(path).names)
    return Table(pd.read_parquet(path), path.name)


def _read_spss(path: Path, *_: object) -> Table:
    from pyreadstat import read_sav

    frame, about = read_sav(str(path))
    return Table(pd.DataFrame(frame), path.name, value_labels=about.variable_value_labels)


def _read_stata(path: Path, *_: object) -> Table:
    return Table(pd.read_stata(path, convert_categoricals=False), path.name)


READERS: dict[str, Callable[[Path, Sequence[str], Asked], Table]] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".xlsx": _read_workbook,
    ".parquet": _read_parquet,
    ".sav": _read_spss,
    ".zsav": _read_spss,
    ".dta": _read_stata,
}
TEXT = (".csv", ".tsv", ".txt")
ENCODINGS = {"cp1252": "Latin-1 (cp1252), since it is not UTF-8", "utf-8-sig": "UTF-8 with a byte order mark"}
LONGEST_PATH = 1000
BEGINNINGS = {
    ".xlsx": (b"PK\x03\x04",),
    ".parquet": (b"PAR1",),
    ".sav": (b"$FL2", b"$FL3"),
    ".zsav": (b"$FL2", b"$FL3"),
    ".dta": (b"<stata_dta>", *(bytes([version, order]) for version in range(102, 116) for order in (1, 2))),
}


@checked(PanelError)
def read_frame(
    path: str | PathLike[str],
    *,
    labels: Sequence[str] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> pd.DataFrame:
    """Data frame in a text, Excel, Parquet, SPSS or Stata file.

    Labelled values of SPSS and Stata stay the numbers they are; what these programs mark as
    missing becomes NaN.

    Parameters
    ----------
    path
        File ending in ``.csv``, ``.tsv``, ``.txt``, ``.xlsx`` (its first sheet), ``.parquet``, ``.sav``, ``.zsav`` or
        ``.dta``.
    labels
        Columns of a text file that hold ids or labels: they are read as text, so that 01 and 1 stay two, and are whole
        numbers only where all of them are written as such.
    delimiter, encoding, decimal
        Of a text file: the sign between fields, such as ``";"``, the name of the encoding, such as ``"latin-1"``, and
        the decimal sign. What is left open is found in the file: the sign that gives each line equally many fields;
        UTF-8, or what a byte order mark says, or else Latin-1; and commas in numbers that no other number writes with
        a point.

    Returns
    -------
    pandas.DataFrame
        The columns as they stand in the file.

    Raises
    ------
    PanelError
        If there is no such file, its ending is another one, the package that reads it is not
        installed, or it is damaged; if a file names a column twice, or a text file has lines of different length.

    Examples
    --------
    >>> read_frame("clinic.ods")
    Traceback (most recent call last):
    ...
    alliance_bayes.PanelError: clinic.ods: a file ending in '.ods' cannot be read. \
Use .csv, .tsv, .txt, .xlsx, .parquet, .sav, .zsav or .dta, or pass a data frame.
    """
    return read_table(path, labels, Layout[str | None](delimiter, encoding, decimal)).frame


def read_table(path: str | PathLike[str], labels: Sequence[str], layout: Asked) -> Table:
    """`read_frame` with a report of how it was read."""
    file = path_of(path)
    kind = file.suffix.lower()
    if kind not in READERS:
        *most, last = READERS
        raise PanelError(
            f"{file.name}: a file ending in '{file.suffix}' cannot be read. "
            f"Use {', '.join(most)} or {last}, or pass a data frame."
        )
    if not file.is_file():
        raise no_file(file)
    if kind not in TEXT and layout != OPEN:
        raise PanelError(f"{file.name}: delimiter, encoding and decimal are those of a text file; leave them out.")
    try:
        return READERS[kind](file, labels, layout)
    except PanelError:
        raise
    except ImportError as error:
        raise not_installed(file, file.suffix) from error
    except Exception as error:  # each reader has its own kind of exception for a damaged file
        raise unreadable(file, file.suffix, error) from error


def path_of(path: object) -> Path:
    """A path as such; refused where it is none, or the data themselves."""
    if not isinstance(path, str | PathLike) or not str(path):
        raise PanelError(f"A file needs the path of a file; got {shown(path)}.")
    if "\n" in str(path) or len(str(path)) > LONGEST_PATH:
        raise PanelError(
            f"The path {shown(str(path))} is a text, not a path; write it to a file first, or pass a pandas DataFrame."
        )
    return Path(path)


def no_file(file: Path) -> PanelError:
    """What to raise where nothing has this name."""
    return PanelError(f"No file '{file}' (looked for from the folder {Path.cwd()}).")


def not_installed(file: Path, kind: str) -> PanelError:
    """What to raise where the package that reads this kind of file is missing."""
    return PanelError(
        f'{file.name}: a package that reads {kind} is not installed. Run: pip install "alliance-bayes[files]"'
    )


def unreadable(file: Path, kind: str, error: Exception) -> PanelError:
    """What to raise where a file is damaged or of another kind."""
    expected = BEGINNINGS.get(kind.lower())
    with file.open("rb") if file.is_file() else BytesIO() as stream:
        start = stream.read(16)
    if expected and file.is_file() and not start.startswith(expected):
        problem = f"starts with {start!r}" if start else "is empty"
        return PanelError(
            f"{file.name} cannot be read as {kind}: it {problem}, so it is a file of another kind, or damaged. "
            "Name it by what it is, or write it again."
        )
    reason = " ".join(str(error).split()) or type(error).__name__
    return PanelError(f"{file.name} cannot be read as {kind}: {reason}. It may be damaged or cut off; write it again.")

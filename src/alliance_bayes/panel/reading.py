"""Files to data frames, codes and missing values as they stand in the file."""

from collections.abc import Callable, Sequence
from io import BytesIO
from os import PathLike
from pathlib import Path

import pandas as pd

from ..basics.calls import checked
from ..basics.given import shown
from ..basics.problems import PanelError
from .delimited import check_once, read_csv

__all__ = ["no_file", "not_installed", "path_of", "read_frame", "unreadable"]

READERS: dict[str, Callable[[Path, Sequence[str]], pd.DataFrame]] = {
    ".csv": read_csv,
    ".parquet": lambda path, _: read_parquet(path),
    ".sav": lambda path, _: pd.read_spss(path, convert_categoricals=False),
    ".zsav": lambda path, _: pd.read_spss(path, convert_categoricals=False),
    ".dta": lambda path, _: pd.read_stata(path, convert_categoricals=False),
}
LONGEST_PATH = 1000
BEGINNINGS = {
    ".parquet": (b"PAR1",),
    ".sav": (b"$FL2", b"$FL3"),
    ".zsav": (b"$FL2", b"$FL3"),
    ".dta": (b"<stata_dta>", *(bytes([version, order]) for version in range(102, 116) for order in (1, 2))),
}


@checked(PanelError)
def read_frame(path: str | PathLike[str], *, labels: Sequence[str] = ()) -> pd.DataFrame:
    """Data frame in a CSV, Parquet, SPSS or Stata file.

    Labelled values of SPSS and Stata stay the numbers they are; what these programs mark as
    missing becomes NaN.

    Parameters
    ----------
    path
        File ending in ``.csv``, ``.parquet``, ``.sav``, ``.zsav`` or ``.dta``. A CSV file is in UTF-8, with commas and
        decimal points.
    labels
        Columns of a CSV file that hold ids or labels: they are read as text, so that 01 and 1 stay two, and are whole
        numbers only where all of them are written as such.

    Returns
    -------
    pandas.DataFrame
        The columns as they stand in the file.

    Raises
    ------
    PanelError
        If there is no such file, its ending is another one, the package that reads it is not
        installed, or it is damaged; if a CSV file names a column twice, or has lines of different length.

    Examples
    --------
    >>> read_frame("clinic.xlsx")
    Traceback (most recent call last):
    ...
    alliance_bayes.PanelError: clinic.xlsx: a file ending in '.xlsx' cannot be read. \
Use .csv, .parquet, .sav, .zsav or .dta, or pass a pandas DataFrame.
    """
    file = path_of(path)
    if file.suffix.lower() not in READERS:
        *most, last = READERS
        raise PanelError(
            f"{file.name}: a file ending in '{file.suffix}' cannot be read. "
            f"Use {', '.join(most)} or {last}, or pass a pandas DataFrame."
        )
    if not file.is_file():
        raise no_file(file)
    try:
        return READERS[file.suffix.lower()](file, labels)
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


def read_parquet(file: Path) -> pd.DataFrame:
    """Data frame of a Parquet file."""
    from pyarrow.parquet import read_schema

    check_once(file, read_schema(file).names)
    return pd.read_parquet(file)


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

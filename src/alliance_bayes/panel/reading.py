"""Files to data frames, codes and missing values as they stand in the file."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path

import pandas as pd

from ..calls import checked
from ..problems import PanelError

__all__ = ["no_file", "not_installed", "read_frame", "unreadable"]

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pd.read_csv(path, low_memory=False),
    ".parquet": lambda path: pd.read_parquet(path),
    ".sav": lambda path: pd.read_spss(path, convert_categoricals=False),
    ".zsav": lambda path: pd.read_spss(path, convert_categoricals=False),
    ".dta": lambda path: pd.read_stata(path, convert_categoricals=False),
}


@checked(PanelError)
def read_frame(path: str | PathLike[str]) -> pd.DataFrame:
    """Data frame in a CSV, Parquet, SPSS or Stata file.

    Labelled values of SPSS and Stata stay the numbers they are; what these programs mark as
    missing becomes NaN.

    Parameters
    ----------
    path
        File ending in ``.csv``, ``.parquet``, ``.sav``, ``.zsav`` or ``.dta``.

    Returns
    -------
    pandas.DataFrame
        The columns as they stand in the file.

    Raises
    ------
    PanelError
        If there is no such file, its ending is another one, the package that reads it is not
        installed, or it is damaged.

    Examples
    --------
    >>> read_frame("clinic.xlsx")
    Traceback (most recent call last):
    ...
    alliance_bayes.problems.PanelError: clinic.xlsx: a file ending in '.xlsx' cannot be read. \
Use .csv, .parquet, .sav, .zsav or .dta, or pass a pandas DataFrame.
    """
    file = Path(path)
    if file.suffix.lower() not in READERS:
        *most, last = READERS
        raise PanelError(
            f"{file.name}: a file ending in '{file.suffix}' cannot be read. "
            f"Use {', '.join(most)} or {last}, or pass a pandas DataFrame."
        )
    if not file.is_file():
        raise no_file(file)
    try:
        return READERS[file.suffix.lower()](file)
    except ImportError as error:
        raise not_installed(file, file.suffix) from error
    except Exception as error:  # each reader has its own kind of exception for a damaged file
        raise unreadable(file, file.suffix, error) from error


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
    return PanelError(f"{file.name} cannot be read as {kind}: {error}")

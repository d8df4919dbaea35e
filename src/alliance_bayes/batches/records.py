"""What came out of one replicate, and the file that keeps it to the last bit."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from ..basics.given import shown
from ..basics.writing import make_folder, write_file

__all__ = ["COLUMNS", "UNREADABLE", "Record", "Status", "Value", "as_value", "record_in"]

type Value = float | int | bool | str | np.ndarray | pd.DataFrame | None
Status = Literal["done", "failed"]

COLUMNS = ("plan", "cell", "number", "status", "error", "message", "warnings")
"""What the table of a batch holds of every replicate, beside the values."""
UNREADABLE = (EOFError, BadZipFile, zlib.error, KeyError, TypeError, ValueError)
"""What `record_in` raises of a file that is damaged or something else."""


@dataclass(frozen=True, eq=False)
class Record:
    """What came out of a replicate.

    Attributes
    ----------
    status
        ``"done"``, or ``"failed"`` where the work raised an error.
    error, message
        Class and text of that error; empty where there was none.
    warnings
        What the work warned of, each sentence once.
    seconds
        Processor time.
    values
        What the work returned, in its order.
    """

    status: Status
    error: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    values: Mapping[str, Value] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file completely or not at all."""
        arrays = {name: value for name, value in self.values.items() if isinstance(value, np.ndarray)}
        tables = {name: _as_json(value) for name, value in self.values.items() if isinstance(value, pd.DataFrame)}
        plain = {name: None if name in {**arrays, **tables} else value for name, value in self.values.items()}
        record = json.dumps({**asdict(replace(self, values=plain)), "tables": tables, "arrays": list(arrays)})
        numbered: dict[str, Any] = {f"array_{index}": array for index, array in enumerate(arrays.values())}
        file = BytesIO()
        np.savez(file, **{"record": np.array(record), **numbered})
        make_folder(path.parent)
        write_file(path, file.getbuffer())


def record_in(path: Path) -> Record:
    """The record in a file that `Record.write` wrote."""
    with path.open("rb") as written, np.load(written) as file:
        read = json.loads(str(file["record"]))
        arrays = {name: file[f"array_{index}"] for index, name in enumerate(read.pop("arrays"))}
    tables = {name: _from_json(table) for name, table in read.pop("tables").items()}
    return Record(**{**read, "warnings": tuple(read["warnings"]), "values": {**read["values"], **arrays, **tables}})


def as_value(name: str, value: Any) -> Value:
    """A value as a file holds it; an error where it cannot."""
    if name in COLUMNS:
        raise ValueError(f"'{name}' is a column of every batch; return it under another name.")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcUSmM":
        return value
    if value is None or isinstance(value, float | int | bool | str | pd.DataFrame):
        return value
    raise TypeError(
        f"'{name}' must be a number, a text, None, a data frame or an array of numbers or texts; the work returned "
        f"{shown(value)}."
    )


def _as_json(table: pd.DataFrame) -> dict[str, Any]:
    split = table.astype(object).to_dict("split")
    return {**split, "names": list(table.index.names)}


def _from_json(split: dict[str, Any]) -> pd.DataFrame:
    names, labels = split["names"], split["index"]
    index = pd.Index(labels, name=names[0]) if len(names) == 1 else pd.MultiIndex.from_tuples(labels, names=names)
    return pd.DataFrame(split["data"], index=index, columns=split["columns"])

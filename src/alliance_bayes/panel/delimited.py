"""Text files with commas: what is checked line by line before pandas reads them, and labels that stay text."""

import csv
from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ..basics.names import in_words, quoted
from ..basics.problems import PanelError

__all__ = ["check_once", "read_csv"]

WHOLE_NUMBER = r"0|-?[1-9][0-9]{0,17}"
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
BLOCK = 1 << 20


def read_csv(file: Path, labels: Sequence[str] = ()) -> pd.DataFrame:
    """Data frame of a CSV file in UTF-8, refused where fields would be renamed, moved or filled up.

    `labels` are columns of ids and labels: read as text, so that 01 and 1 stay two, and whole numbers only where all of
    them are written as such.
    """
    check_text(file)
    check_lines(file)
    frame = pd.read_csv(file, encoding="utf-8", low_memory=False, index_col=False, dtype=dict.fromkeys(labels, "str"))
    for name in labels:
        if name in frame and pd.Series(frame[name].unique()).str.fullmatch(WHOLE_NUMBER, na=False).all():
            frame[name] = frame[name].astype("int64")
    return frame


def check_text(file: Path) -> None:
    """Whether the bytes are text in UTF-8."""
    start, decoder = 0, getincrementaldecoder("utf-8")()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            if b"\0" in block:
                raise PanelError(
                    f"{file.name} is no plain text: byte {start + block.index(0):,} is 0, as in a workbook, in UTF-16 "
                    "or in a damaged file. Save it as CSV in UTF-8."
                )
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                raise not_utf_8(file) from None
            start += len(block)
    if not start:
        raise PanelError(f"{file.name} is empty.")


def not_utf_8(file: Path) -> PanelError:
    """What to raise where a file is in another encoding, with the first line that is."""
    with file.open("rb") as stream:
        for row, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                before = line[max(error.start - 15, 0) : error.start + 5]
                return PanelError(
                    f"{file.name} is not in UTF-8: line {row:,} holds the byte {line[error.start]:#x} in {before!r}. "
                    "Save it as UTF-8, or pass pandas.read_csv(path, encoding='latin-1')."
                )
    return PanelError(f"{file.name} is not in UTF-8. Save it as UTF-8.")


def check_lines(file: Path) -> None:
    """Whether the header names every field of every line once."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next((fields for fields in reader if not is_blank(fields)), None)
            if header is None:
                raise PanelError(f"{file.name} holds only empty lines.")
            check_header(file, header)
            odd = list(odd_lines(reader, len(header)))
        except csv.Error as error:
            raise PanelError(
                f"{file.name} cannot be read as .csv: {error}, in the record that ends in line {reader.line_num:,}. "
                'Close its quotes, and write quotes inside of quotes twice, "".'
            ) from None
    if odd:
        where = ", ".join(f"line {number:,} ({count})" for number, count in odd[:3])
        lines = f"1 line does not have the {len(header)} fields of the header, {where}"
        if len(odd) > 1:
            lines = f"{len(odd):,} lines do not have the {len(header)} fields of the header, first {where}"
        raise PanelError(
            f"{file.name}: {lines}. Look for a cut-off end, commas that belong in quotes, a decimal comma, or a header "
            "without a name for each field."
        )


def odd_lines(rows: Iterator[list[str]], n_fields: int) -> Iterator[tuple[int, int]]:
    """Line and number of fields of rows with more or fewer."""
    for fields in rows:
        if len(fields) != n_fields and not is_blank(fields):
            yield rows.line_num, len(fields)  # type: ignore[attr-defined]


def check_header(file: Path, header: list[str]) -> None:
    """Whether names differ, and are separated by commas."""
    check_once(file, header)
    if len(header) == 1:
        for sign, word in OTHER_SEPARATORS.items():
            if sign in header[0]:
                raise PanelError(
                    f"{file.name} is separated by {word} rather than commas: its header is {quoted(header)}. Pass "
                    f"pandas.read_csv(path, sep={sign!r}), with decimal=',' where numbers have decimal commas."
                )


def check_once(file: Path, names: Sequence[str]) -> None:
    """Whether the columns of a file have different names; several may have none."""
    twice = [f"'{name}' {count} times" for name, count in Counter(names).items() if count > 1 and name.strip()]
    if twice:
        raise PanelError(f"{file.name} names {in_words(twice)}; give each column a name of its own.")


def is_blank(fields: list[str]) -> bool:
    """Whether a line is left out by pandas."""
    return not fields or (len(fields) == 1 and not fields[0].strip())

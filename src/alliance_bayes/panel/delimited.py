"""Text files of fields: encoding, delimiter and decimal sign found or given, lines checked before they are read."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..basics.given import shown
from ..basics.names import choices, in_words, quoted
from ..basics.problems import PanelError, Problems

__all__ = ["OPEN", "Asked", "Layout", "check_once", "layout_problems", "read_delimited"]

WHOLE_NUMBER = r"0|-?[1-9][0-9]{0,17}"
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
WESTERN = "cp1252"
DECIMALS = (".", ",")
COMMA, POINT = (re.compile(rf"\s*[-+]?\d*\{sign}\d+([eE][-+]?\d+)?\s*") for sign in (",", "."))
BLOCK = 1 << 20
MOST_SNIFFED = 200
THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,]\d{3})+")


@dataclass(frozen=True)
class Layout[Sign: (str, str | None)]:
    """How a text file is laid out; what is None is found in the file.

    Attributes
    ----------
    delimiter
        One character between fields.
    encoding
        A name that Python knows, such as "utf-8" or "latin-1".
    decimal
        "." or ",".
    """

    delimiter: Sign
    encoding: Sign
    decimal: Sign


type Asked = Layout[str | None]
type Used = Layout[str]

OPEN: Asked = Layout[str | None](None, None, None)


def layout_problems(layout: Asked) -> Iterator[str]:
    """What is wrong with a layout that was given."""
    if layout.delimiter is not None and (not isinstance(layout.delimiter, str) or len(layout.delimiter) != 1):
        yield f"delimiter must be one character, such as ';' or '\\t'; got {shown(layout.delimiter)}."
    if layout.decimal is not None and layout.decimal not in DECIMALS:
        yield f"decimal must be '.' or ','; got {shown(layout.decimal)}."
    if layout.encoding is not None:
        try:
            codecs.lookup(layout.encoding)
        except (LookupError, TypeError):
            known = choices(str(layout.encoding), ["utf-8", "utf-16", "latin-1", "cp1252", "cp1250"], "Such names are")
            yield f"encoding {shown(layout.encoding)} is not known{known}"


def read_delimited(file: Path, labels: Sequence[str], layout: Asked) -> tuple[pd.DataFrame, Used, int | None]:
    """Data frame of a text file and how it was read; refused where fields would be renamed, moved or filled up.

    The last value is the line of the first row, or None where rows are not lines, one after another.
    `labels` are columns of ids and labels: read as text, so that 01 and 1 stay two, and whole numbers only where all of
    them are written as such.
    """
    problems = Problems(f"{file.name} cannot be read so")
    problems.found += layout_problems(layout)
    problems.raise_as(PanelError)
    encoding = encoding_of(file, layout.encoding)
    delimiter = layout.delimiter or delimiter_of(file, encoding)
    lines = check_lines(file, encoding, delimiter)
    decimal = layout.decimal or decimal_of(file, lines.comma, lines.point)
    frame = pd.read_csv(
        file,
        sep=delimiter,
        encoding=encoding,
        decimal=decimal,
        low_memory=False,
        index_col=False,
        dtype=dict.fromkeys(labels, "str"),
    )
    for name in labels:
        if name in frame and pd.Series(frame[name].unique()).str.fullmatch(WHOLE_NUMBER, na=False).all():
            frame[name] = frame[name].astype("int64")
    first_line = lines.header + 1 if lines.last - lines.header == len(frame) else None
    return frame, Layout[str](delimiter, encoding, decimal), first_line


def encoding_of(file: Path, given: str | None) -> str:
    """The encoding of a text file: as given, by its byte order mark, UTF-8, or else Windows' Latin-1."""
    with file.open("rb") as stream:
        start = stream.read(4)
    if not start:
        raise PanelError(f"{file.name} is empty.")
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
    if given is not None:
        given = "utf-8-sig" if marked == "utf-8-sig" and codecs.lookup(given).name == "utf-8" else given
        if (wrong := undecodable(file, given)) is not None:
            raise PanelError(f"{file.name} is not in {given}: {wrong}. Leave encoding open, or name the right one.")
        return given
    if marked is None:
        check_no_zeros(file)
    for encoding in (marked,) if marked else ("utf-8", WESTERN):
        if (wrong := undecodable(file, encoding)) is None:
            return encoding
    raise PanelError(
        f"{file.name} is neither in UTF-8 nor in Latin-1: {wrong}. Save it as UTF-8, or name its encoding, such as "
        "encoding='cp1250'."
    )


def check_no_zeros(file: Path) -> None:
    """Whether a file without a byte order mark is plain text."""
    start = 0
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            if b"\0" in block:
                raise PanelError(
                    f"{file.name} is no plain text: byte {start + block.index(0):,} is 0, as in a workbook, in UTF-16 "
                    "without a byte order mark or in a damaged file. Save it as CSV in UTF-8, or name its encoding."
                )
            start += len(block)


def undecodable(file: Path, encoding: str) -> str | None:
    """Where a file is not in this encoding, in words; None where it is."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with file.open("rb") as stream:
        for row, line in enumerate(stream, start=1):
            try:
                decoder.decode(line)
            except UnicodeDecodeError as error:
                before = error.object[max(error.start - 15, 0) : error.start + 5]
                return f"line {row:,} holds the byte {error.object[error.start]:#x} in {bytes(before)!r}"
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "its last character is cut off"
    return None


def delimiter_of(file: Path, encoding: str) -> str:
    """The sign that separates the fields of the first lines: equally many in each, and the most."""
    with file.open(encoding=encoding, newline="") as stream:
        lines = [line for line in islice(stream, MOST_SNIFFED) if line.strip()]
    counts = {sign: [len(fields) for fields in csv.reader(lines, delimiter=sign) if fields] for sign in DELIMITERS}
    several = {sign: given for sign, given in counts.items() if given and given[0] > 1}
    equal = [sign for sign, given in several.items() if len(set(given)) == 1]
    return max(equal or several, key=lambda sign: several[sign][0], default=",")


class Lines(NamedTuple):
    """The first numbers with a comma and with a point in a text file, the line of its header, and its last line."""

    comma: str
    point: str
    header: int
    last: int


def check_lines(file: Path, encoding: str, delimiter: str) -> Lines:
    """Whether the header names every field of every line once, and what the lines hold."""
    firsts = {",": "", ".": ""}
    with file.open(encoding=encoding, newline="") as stream:
        reader = csv.reader(stream, strict=True, delimiter=delimiter)
        try:
            header = next((fields for fields in reader if not is_blank(fields)), None)
            if header is None:
                raise PanelError(f"{file.name} holds only empty lines.")
            check_once(file, header)
            header_line = reader.line_num
            odd = list(odd_lines(reader, len(header), {} if delimiter == "," else firsts))
        except csv.Error as error:
            raise PanelError(
                f"{file.name} cannot be read as {file.suffix}: {error}, in the record that ends in line "
                f"{reader.line_num:,}, of fields separated by {separated_by(delimiter)}. "
                'Close its quotes, and write quotes inside of quotes twice, "".'
            ) from None
    if odd:
        where = ", ".join(f"line {number:,} ({count})" for number, count in odd[:3])
        lines = f"1 line does not have the {len(header)} fields of the header, {where}"
        if len(odd) > 1:
            lines = f"{len(odd):,} lines do not have the {len(header)} fields of the header, first {where}"
        raise PanelError(
            f"{file.name}, separated by {separated_by(delimiter)}: {lines}. Look for a cut-off end, {delimiter!r} in a "
            "text or a decimal comma without quotes, a header without a name for each field, or name another "
            f"delimiter, such as delimiter={';' if delimiter != ';' else ','!r}."
        )
    return Lines(firsts[","], firsts["."], header_line, reader.line_num)


def odd_lines(rows: Iterator[list[str]], n_fields: int, firsts: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Line and number of fields of rows with more or fewer; notes the first numbers with each decimal sign."""
    for fields in rows:
        if len(fields) != n_fields and not is_blank(fields):
            yield rows.line_num, len(fields)  # type: ignore[attr-defined]
        for sign, pattern in ((",", COMMA), (".", POINT)):
            if firsts and not firsts[sign]:
                firsts[sign] = next((field for field in fields if sign in field and pattern.fullmatch(field)), "")


def decimal_of(file: Path, comma: str, point: str) -> str:
    """The decimal sign, by the numbers in the file."""
    if comma and point:
        likely = "." if THOUSANDS.fullmatch(comma) else "," if THOUSANDS.fullmatch(point) else ""
        guess = f" It looks like decimal={likely!r}, the other sign separating thousands." if likely else ""
        raise PanelError(
            f"{file.name} holds numbers with commas, such as {quoted([comma])}, and with points, such as "
            f"{quoted([point])}. Say which is the decimal sign, decimal=',' or decimal='.' (for init and describe "
            f"--decimal); the other is text then.{guess}"
        )
    return "," if comma else "."


def separated_by(delimiter: str) -> str:
    """A delimiter in words."""
    return DELIMITERS.get(delimiter, repr(delimiter))


def check_once(file: Path, names: Sequence[str]) -> None:
    """Whether the columns of a file have different names; several may have none."""
    twice = [f"'{name}' {count} times" for name, count in Counter(names).items() if count > 1 and name.strip()]
    if twice:
        raise PanelError(f"{file.name} names {in_words(twice)}; give each column a name of its own.")


def is_blank(fields: list[str]) -> bool:
    """Whether a line is left out by pandas."""
    return not fields or (len(fields) == 1 and not fields[0].strip())

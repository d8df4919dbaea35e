"""Data that cannot be used: each row is one valid input with one change."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
from case import Case

import alliance_bayes as ab

N = 12
MEASURES, TIMES = ["x", "y"], [0, 1, 2]
VALUES = np.random.default_rng(1).normal(size=(N, 1, 2)) + np.random.default_rng(2).normal(size=(N, 3, 2))
STATE = np.ones((N, 3))
STATE[0, 0] = 0
WITH_STATE = {"requires": {"x": "on"}, "states": {"on": STATE}, "contradictions": "drop_value"}
LONG = pd.DataFrame(
    {
        "id": np.repeat(np.arange(N), 3),
        "t": np.tile(TIMES, N),
        "x": VALUES[:, :, 0].ravel(),
        "y": VALUES[:, :, 1].ravel(),
        "age": np.repeat(30 + np.arange(N) % 5, 3),
        "seen": 1,
    }
)
WIDE = pd.DataFrame({f"{name}{t}": VALUES[:, t, k] for k, name in enumerate(MEASURES) for t in TIMES})
COVARIANCE = np.eye(4) + 0.2
CSV = LONG.to_csv(index=False)


def changed(cell, value, array=VALUES, kind=float):
    """A copy of an array with one value changed."""
    copy = np.array(array, dtype=kind)
    copy[cell] = value
    return copy


def people(values):
    """A column of the long frame from one value for each person."""
    return np.repeat(np.array(values, dtype=object), 3)


def once(value, column):
    """A column of the long frame with its fourth value changed: person 1 at time 0."""
    return [value if row == 3 else old for row, old in enumerate(column)]


# ---- arrays ----


def arrays(values=VALUES, **options):
    return lambda _: ab.Panel.from_arrays(values, **({"measures": MEASURES, "times": TIMES} | options))


ARRAYS = [
    ("text", arrays(np.full(VALUES.shape, "a")), "values holds text, such as 'a'; pass numbers"),
    ("digits as text", arrays(np.full(VALUES.shape, "1")), "values holds text, such as '1'; pass numbers"),
    ("true and false", arrays(VALUES > 0), "values holds True and False; if 1 and 0 are meant"),
    ("one true among numbers", arrays(changed((1, 0, 0), True, kind=object)), "values holds True among its numbers"),
    ("complex", arrays(VALUES + 1j), "values holds complex numbers; pass real ones"),
    ("dates", arrays(VALUES.astype("datetime64[s]")), "values holds datetime64[s] values"),
    ("spans of time", arrays((VALUES * 1e3).astype("timedelta64[s]")), "values holds timedelta64[s] values"),
    ("decimals", arrays(changed((1, 0, 0), Decimal(3), kind=object)), "values holds Decimal('3'), no number"),
    ("ragged", arrays([[[1, 2], [3]], [[1, 2], [3, 4]]]), "values is ragged"),
    ("nothing", arrays(None), "values has shape (); expected (0, 3, 2), (person, time, measure)"),
    ("a mapping", arrays({"x": 1}), "values is {'x': 1}"),
    ("a frame", arrays(LONG), f"values has shape ({3 * N}, 6); expected ({3 * N}, 3, 2)"),
    ("too large", arrays(VALUES * 1e307), "'x' must hold numbers of at most 1e+60 in size", "(0, 0)", "larger unit"),
    ("one too large", arrays(changed((3, 1, 0), 1e160)), "others: 1, first 1e+160 (3, 1)", "Correct them"),
    ("one at 1e20", arrays(changed((3, 1, 0), 1e20)), "'x' reaches from", "to 1e+20 at time 1", "misprint"),
    ("too small", arrays(VALUES * 1e-170), "'x' varies by", "below 1e-60 cannot be computed with", "another unit"),
    ("far from 0", arrays(VALUES + 1e16), "'x' has values of about 1e+16", "lost in rounding. Subtract a constant"),
    (
        "whole numbers beyond 2^53",
        arrays(2**60 + np.arange(6 * N).reshape(N, 3, 2)),
        "values holds 1152921504606846977, and whole numbers beyond 2^53 are rounded",
    ),
    ("one at infinity", arrays(changed((3, 1, 0), np.inf)), "'x' must hold finite numbers", "first inf (3, 1)"),
    ("all masked", arrays(np.ma.masked_all(VALUES.shape)), "'x' has no value at any time"),
    (
        "measure masked at a time",
        arrays(np.ma.masked_array(VALUES, changed(np.s_[:, 1, 1], 1, 0 * VALUES, bool))),
        "'y' has no value at time 1",
    ),
    ("interviewed as text", arrays(interviewed=np.full((N, 3), "False")), "interviewed holds text, such as 'False'"),
    (
        "interviewed missing",
        arrays(interviewed=changed((3, 1), np.nan, STATE)),
        "'interviewed' must be 1 (interviewed) or 0",
        "nan (3, 1)",
    ),
    (
        "interviewed masked",
        arrays(interviewed=np.ma.masked_array(np.ones((N, 3)), STATE == 0)),
        "'interviewed' must be",
        "nan (0, 0)",
    ),
    (
        "interviewed 2",
        arrays(interviewed=changed((3, 1), 2, np.ones((N, 3)))),
        "'interviewed' must be",
        "first 2 (3, 1)",
    ),
    ("state as text", arrays(requires={"x": "on"}, states={"on": np.full((N, 3), "1")}), "the state 'on' holds text"),
    (
        "state 2",
        arrays(**WITH_STATE | {"states": {"on": changed((3, 1), 2, STATE)}}),
        "'on' is a state and must be 1",
        "2 (3, 1)",
    ),
    ("states as a list", arrays(requires={"x": "on"}, states=[STATE]), "states must map each state to its values"),
    (
        "state with a list for a name",
        arrays(requires={"x": ["on"]}),
        "requires must map a measure to the name of its state; got ['on']",
    ),
    (
        "person without an id",
        arrays(persons=[*range(N - 1), np.nan]),
        f"persons has no label for 1 person, first in row {N - 1}",
    ),
    (
        "person masked",
        arrays(persons=np.ma.masked_equal(np.arange(N), 3)),
        "persons has no label for 1 person, first in row 3",
    ),
    (
        "persons without an end",
        arrays(persons=[*range(N - 1), np.inf]),
        "persons holds inf; ids are text or finite numbers",
    ),
    ("persons twice", arrays(persons=[0, 0, *range(2, N)]), "persons must be in sorted order, each once"),
    ("complex persons", arrays(persons=np.arange(N) + 0j), "persons holds complex values, such as 0j; make them text"),
    (
        "covariate at infinity",
        arrays(covariates={"age": changed(3, np.inf, np.arange(N))}),
        "'age' must hold finite numbers",
        "inf of 3",
    ),
    ("covariate as text", arrays(covariates={"age": ["30"] * N}), "The covariate 'age' holds text, such as '30'"),
    ("covariates as a list", arrays(covariates=["age"]), "covariates must map each name to its values; got ['age']"),
    ("covariate without a name", arrays(covariates={3: np.arange(N)}), "covariates must be a list of names"),
    (
        "group missing",
        arrays(groups=[np.nan, *["a", "b"] * 5, "a"]),
        "groups has no label for 1 person, first in row 0",
    ),
    ("groups that read alike", arrays(groups=[1, "1", 2] * 4), "'groups' holds 1, '1', which read the same"),
    ("one group", arrays(groups=["a"] * N), "The group 'groups' is 'a' for everybody; leave it out"),
    (
        "a group for each person",
        arrays(groups=np.arange(N)),
        f"has {N} labels for {N} persons",
        "a site, an arm or a cohort",
    ),
    (
        "own time at infinity",
        arrays(own_times=np.tile([0, 1, np.inf], (N, 1))),
        "'own_times' must hold finite numbers",
        "inf (0, 2)",
    ),
    (
        "own time unknown",
        arrays(own_times=changed((3, 1), np.nan, np.tile(TIMES, (N, 1)))),
        "1 interviews have answers but no time of their own, first (3, 1)",
    ),
    ("own times as text", arrays(own_times=np.full((N, 3), "a")), "own_times holds text, such as 'a'"),
    ("times without an end", arrays(times=[0, 1, np.inf]), "times must be finite; got [0, 1, inf]"),
    ("time unknown", arrays(times=[0, np.nan, 2]), "times must be finite; got [0, nan, 2]"),
    ("time masked", arrays(times=np.ma.masked_equal([0, 1, 2], 1)), "times must be finite; got [0, nan, 2]"),
    (
        "times that differ by rounding",
        arrays(times=[0, 0.3, 0.1 * 3]),
        "from 0.3 to 0.30000000000000004",
        "misprint? Correct the times",
    ),
    (
        "times too close",
        arrays(times=[0, 1e-6, 2e-6]),
        "The times 0 and 1e-06 are less than 0.0001 apart; count time in a smaller unit",
    ),
    (
        "times in milliseconds",
        arrays(times=[1.7e12, 1.7e12 + 1, 1.7e12 + 2]),
        "are the same to ten digits; count from the first",
    ),
    (
        "a code among the times",
        arrays(times=[0, 1, 1e12]),
        "The interval from 1 to 1e+12 is more than 1,000,000,000 times as long",
    ),
    ("times too large", arrays(times=[0, 1, 1e300]), "times must be at most 1e+60 in size; got [0, 1, 1e+300]"),
    ("complex times", arrays(times=[0, 1, 2j]), "times must be a list of numbers in real units"),
    (
        "decimal times",
        arrays(times=[Decimal(0), Decimal(1), Decimal(2)]),
        "times must be a list of numbers in real units",
    ),
    (
        "true and false as times",
        arrays(VALUES[:, :2], times=[False, True]),
        "times must be a list of numbers in real units",
    ),
    (
        "an array without length for times",
        arrays(times=np.array(3)),
        "times must be a list of numbers in real units, such as times=[0, 6, 12]; got array(3)",
    ),
    (
        "a number of times",
        arrays(times=3),
        "times must be a list of numbers in real units, such as times=[0, 6, 12]; got 3",
    ),
    ("measures without order", arrays(measures={"x", "y"}), "measures is a set, which has no order; pass a list"),
    ("measure with a space", arrays(measures=["x", "y "]), "The measure 'y ' has spaces at its ends"),
    (
        "measure with a line end",
        arrays(measures=["x", "y\nz"]),
        "characters that cannot be printed; rename that column",
    ),
    ("measure in a list", arrays(measures=["x", ["y"]]), "The measure ['y'] is not a name"),
    (
        "time unit that is a number",
        arrays(time_unit=30),
        "time_unit must be a word such as 'months', or left out; got 30",
    ),
]


# ---- data frames ----


def long(options=None, /, **columns):
    call = {"person": "id", "time": "t", "measures": MEASURES} | (options or {})
    return lambda _: ab.Panel.from_long(LONG.assign(**columns), **call)


def wide(frame=WIDE, **options):
    call = {"measures": {name: [f"{name}{t}" for t in TIMES] for name in MEASURES}, "times": TIMES} | options
    return lambda _: ab.Panel.from_wide(frame, **call)


FRAMES = [
    (
        "id as a list",
        long(id=pd.Series([[person] for person in LONG["id"]])),
        "'id', holds list values, such as [0]; make them text",
    ),
    (
        "id as a tuple",
        long(id=pd.Series([(person,) for person in LONG["id"]])),
        "'id', holds tuple values, such as (0,)",
    ),
    ("id as bytes", long(id=people([b"%d" % person for person in range(N)])), "'id', holds bytes values, such as b'0'"),
    ("id as a decimal", long(id=people([Decimal(person) for person in range(N)])), "'id', holds Decimal values"),
    ("id as a UUID", long(id=people([UUID(int=person) for person in range(N)])), "'id', holds UUID values"),
    ("id true or false", long(id=LONG["id"] > 3), "'id', holds bool values, such as False; make them text"),
    ("id at infinity", long(id=LONG["id"].replace(3, np.inf)), "'id', holds inf; ids are text or finite numbers"),
    (
        "id a float beyond 2^53",
        long(id=2.0**53 + 2 * LONG["id"]),
        "'id', holds 9007199254740992 as a number with a decimal point",
        "read the ids as text",
    ),
    (
        "id missing as pandas has it",
        long(id=LONG["id"].astype("Int64").replace(3, pd.NA)),
        "The person, 'id', is missing in 3 rows, positions 9, 10, 11",
    ),
    ("time as a list", long(t=pd.Series([[time] for time in LONG["t"]])), "'t' holds list values; make it a number"),
    (
        "time as a span",
        long(t=pd.to_timedelta(LONG["t"], "D")),
        "'t' holds Timedelta values such as 0 days 00:00:00; make it a number",
    ),
    (
        "time as a decimal",
        long(t=[Decimal(time) for time in LONG["t"].tolist()]),
        "'t' holds Decimal values such as 0; make it a number",
    ),
    (
        "time as a date",
        long(t=[date(2020, 1, 1 + time) for time in LONG["t"]]),
        "'t' holds dates such as 2020-01-01",
    ),
    ("time as digits", long(t=LONG["t"].astype(str)), "'t' holds text such as '0', which has no distance"),
    ("time true or false", long(t=LONG["t"] > 0), "'t' holds bool values such as False; make it a number"),
    ("time missing as pandas has it", long(t=LONG["t"].astype("Int64").replace(1, pd.NA)), "'t' is missing in 12 rows"),
    (
        "times within rounding",
        long(t=once(1e-13, LONG["t"])),
        "The times 0 and 1e-13 differ only by rounding",
        "frame['t'].round(6)",
    ),
    ("measure as complex", long(x=LONG["x"] + 1j), "'x' is complex128, not a number"),
    (
        "measure of whole numbers beyond 2^53",
        long(x=2**60 + np.arange(3 * N)),
        "'x' holds 1152921504606846977, and whole numbers beyond 2^53",
    ),
    ("measure as a span", long(x=pd.to_timedelta(LONG["x"], "D")), "'x' is timedelta64", "not a number"),
    (
        "measure as decimals",
        long(x=[Decimal(str(value)) for value in LONG["x"]]),
        "'x' holds numbers stored as text or objects",
    ),
    (
        "measure as categories",
        long(x=pd.Categorical(np.arange(3 * N) % 5)),
        "'x' is categorical (0, 1, 2, 3 and 1 more)",
    ),
    (
        "measure as lists",
        long(x=pd.Series([[value] for value in LONG["x"]])),
        "'x' holds text where numbers are expected",
        "(0, 0)",
    ),
    (
        "measure with one date",
        long(x=once(date(2020, 1, 1), LONG["x"])),
        "'x' holds text where numbers are expected: 1, first 2020-01-01 (1, 0)",
    ),
    (
        "measure with decimal commas",
        long(x=LONG["x"].map("{:.2f}".format).str.replace(".", ",")),
        "'x' holds text where numbers are expected",
        "'0,",
    ),
    (
        "measure with one at 1e160",
        long(x=once(1e160, LONG["x"])),
        "'x' must hold numbers of at most 1e+60 in size; others: 1, first 1e+160 (1, 0)",
    ),
    (
        "interviewed as text",
        long({"interviewed": "seen"}, seen="yes"),
        "'seen' holds text where numbers are expected",
        "'yes' (0, 0)",
    ),
    (
        "interviewed missing",
        long({"interviewed": "seen"}, seen=once(np.nan, LONG["seen"])),
        "'seen' must be 1 (interviewed) or 0 (not)",
        "nan (1, 0)",
    ),
    (
        "interviewed in a list",
        long({"interviewed": ["seen"]}),
        "The interview must be the name of a column; got ['seen']",
    ),
    ("person in a list", long({"person": ["id"]}), "The person must be the name of a column; got ['id']"),
    ("group in a list", long({"group": ["age"]}), "The group must be the name of a column; got ['age']"),
    (
        "group that reads alike",
        long({"group": "g"}, g=people([1, "1", 2] * 4)),
        "'g' holds 1, '1', which read the same",
    ),
    (
        "group as a decimal",
        long({"group": "g"}, g=people([Decimal(1), Decimal(2), Decimal(3)] * 4)),
        "The group 'g' holds Decimal values",
    ),
    ("group for each person", long({"group": "id2"}, id2=LONG["id"]), "a group is a site, an arm or a cohort"),
    (
        "covariate that changes",
        long({"covariates": ["y2"]}, y2=LONG["y"]),
        "The covariate 'y2' changes within persons: 12",
    ),
    (
        "covariate at infinity",
        long({"covariates": ["age"]}, age=np.inf),
        "'age' must hold finite numbers",
        "inf (0, 0)",
    ),
    (
        "covariate twice",
        long({"covariates": ["age", "age"]}),
        "Column 'age' is used 2 times: as covariate and as covariate",
    ),
    (
        "own time of nobody",
        long({"own_time": "when"}, when=once(np.nan, LONG["t"])),
        "1 interviews have answers but no time of their own, first (1, 0)",
    ),
    (
        "columns of two levels",
        lambda _: ab.Panel.from_long(pd.concat({"a": LONG}, axis=1), person="id", time="t", measures=MEASURES),
        "The columns have several levels",
    ),
    ("labels with a missing time", long({"times": {0: 0, 1: np.nan, 2: 2}}), "times must be finite; got [0, nan, 2]"),
    ("requires a number", long({"requires": {"x": 5}}), "requires must map a measure to the name of its state; got 5"),
    ("wide with a number for columns", wide(measures={"x": 5}), "'x' has 1 column for 3 times; name one for each"),
    ("wide with states in a list", wide(states=["s"]), "states must map each state to its columns; got ['s']"),
    (
        "wide with an index of two levels",
        wide(WIDE.set_index(pd.MultiIndex.from_product([range(4), range(3)]))),
        "the frame's index, holds tuple values, such as (0, 0)",
    ),
    ("wide with a person in a list", wide(person=["x0"]), "The person must be the name of a column; got ['x0']"),
    (
        "wide with one person twice",
        wide(WIDE.set_axis([0, 0, *range(2, N)])),
        "Repeated persons (the index): 1, first 0 x2",
    ),
    ("wide with infinity", wide(WIDE.assign(x1=np.inf)), "'x1' must hold finite numbers", "inf (0, 1)"),
]


# ---- files ----


def of_file(content, suffix=".csv", **options):
    """Read a file of these bytes or this text, whatever its name says."""

    def call(folder):
        path = folder / f"clinic{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return ab.Panel.from_long(path, **({"person": "id", "time": "t", "measures": MEASURES} | options))

    return call


def cut(write, suffix):
    """Read the first half of a file that pandas or pyreadstat wrote."""

    def call(folder):
        path = folder / f"whole{suffix}"
        write(LONG, path)
        return of_file(path.read_bytes()[: path.stat().st_size // 2], suffix)(folder)

    return call


def write_sav(frame, path):
    import pyreadstat

    pyreadstat.write_sav(frame, str(path))


def of_parquet(**columns):
    """Read a Parquet file without its persons."""

    def call(folder):
        path = folder / "clinic.parquet"
        LONG.assign(**columns).to_parquet(path, index=False)
        return ab.Panel.from_parquet(path, person="id", time="t", measures=MEASURES)

    return call


def of_two_files(**columns):
    """Read a folder of two Parquet files, the second of other people, with changes."""

    def call(folder):
        LONG.to_parquet(folder / "a.parquet", index=False)
        LONG.assign(**{"id": LONG["id"] + N} | columns).to_parquet(folder / "b.parquet", index=False)
        return ab.Panel.from_parquet(folder, person="id", time="t", measures=MEASURES)

    return call


def names_twice(reader):
    """Read a Parquet file with a column name that occurs twice."""

    def call(folder):
        import pyarrow
        from pyarrow.parquet import write_table

        columns = [pyarrow.array(LONG[name]) for name in ("id", "t", "x", "y")]
        write_table(pyarrow.table(columns, names=["id", "t", "x", "x"]), folder / "clinic.parquet")
        return reader(folder / "clinic.parquet", person="id", time="t", measures=["x"])

    return call


HEADER, FIRST, *_ = CSV.splitlines()
FILES = [
    ("empty", of_file(""), "clinic.csv is empty"),
    ("of empty lines", of_file("\n\n\n"), "clinic.csv holds only empty lines"),
    ("of a header alone", of_file(HEADER), "There are 0 rows and 6 columns, so there are no values"),
    ("of one row", of_file(f"{HEADER}\n{FIRST}\n"), "There is only one time (0); a panel needs at least two"),
    (
        "with a name twice",
        of_file(CSV.replace("age", "x", 1)),
        "clinic.csv names 'x' 2 times; give each column a name of its own",
    ),
    (
        "with the name pandas would make",
        of_file(CSV.replace("age", "x", 1), measures=["x", "x.1"]),
        "clinic.csv names 'x' 2 times",
    ),
    ("with NUL bytes", of_file(CSV.replace("\n3,", "\n3\0,", 1)), "clinic.csv is no plain text: byte", "CSV in UTF-8"),
    ("in UTF-16 unmarked", of_file(CSV.encode("utf-16-le")), "clinic.csv is no plain text: byte 1 is 0", "UTF-16"),
    (
        "not in the given encoding",
        of_file(CSV.replace("age", "\xe2ge", 1).encode("latin-1"), encoding="utf-8"),
        "clinic.csv is not in utf-8: line 1 holds the byte 0xe2",
        "Leave encoding open",
    ),
    ("in an unknown encoding", of_file(CSV, encoding="latin-11"), "encoding 'latin-11' is not known"),
    ("with a delimiter of two signs", of_file(CSV, delimiter=",,"), "delimiter must be one character"),
    ("with another decimal sign", of_file(CSV, decimal="'"), "decimal must be '.' or ','; got"),
    ("Parquet with a delimiter", of_file(CSV, ".parquet", delimiter=","), "are those of a text file; leave them out"),
    (
        "that is a workbook",
        of_file(b"PK\x03\x04\0\0" * 9),
        "clinic.csv is no plain text: byte 4 is 0, as in a workbook",
    ),
    (
        "that is a page",
        of_file("<!DOCTYPE html><html>\n<p>Not found</p>\n"),
        "No column 'id'. Columns: '<!DOCTYPE html><html>'",
    ),
    (
        "with decimal commas and points",
        of_file(CSV.replace(",", ";").replace(".", ",", 1)),
        "holds numbers with commas",
        "decimal=','",
    ),
    (
        "with decimal commas and commas",
        of_file(CSV.replace(".", ",")),
        "36 lines do not have the 6 fields of the header, first line 2 (8)",
        "decimal comma",
    ),
    (
        "with thousands",
        of_file(CSV + '12,0,"1,000",1,30,1\n'),
        "'x' holds text where numbers are expected: 1, first '1,000' (12, 0)",
    ),
    (
        "with a comma at the end of lines",
        of_file(CSV.replace("\n", ",\n").replace(",\n", "\n", 1)),
        "36 lines do not have the 6 fields of the header, first line 2 (7)",
    ),
    (
        "with row names",
        of_file(CSV.replace("id,", "", 1)),
        "36 lines do not have the 5 fields of the header",
        "a header without a name for each field",
    ),
    (
        "with a field too many",
        of_file(CSV + "12,0,1,1,30,1,9\n"),
        "1 line does not have the 6 fields of the header, line 38 (7)",
    ),
    (
        "with a cut-off end",
        of_file(CSV + "12,0,1"),
        "1 line does not have the 6 fields of the header, line 38 (3)",
        "cut-off end",
    ),
    (
        "with a sum at the end",
        of_file(CSV + "rows: 36\n"),
        "1 line does not have the 6 fields of the header, line 38 (1)",
    ),
    (
        "with an open quote",
        of_file(CSV + '12,0,1,1,30,"1\n12,1,1,1,30,1\n'),
        "cannot be read as .csv: unexpected end of data",
        "Close its quotes",
    ),
    ("with a quote inside", of_file(CSV + '12,0,1,1,30,"1"2\n'), "cannot be read as .csv: ',' expected after '\"'"),
    ("with an endless header", of_file("a" * 200_000 + f",{CSV}"), "field larger than field limit"),
    (
        "with a number too large",
        of_file(CSV + "12,0,1e400,1,30,1\n"),
        "'x' must hold finite numbers, or be missing; others: 1, first inf (12, 0)",
    ),
    ("with a missing id", of_file(CSV + ",0,1,1,30,1\n"), "The person, 'id', is missing in 1 row, position 36"),
    ("of another ending", of_file(CSV, ".ods"), "a file ending in '.ods' cannot be read. Use .csv"),
    ("named as Excel", of_file(CSV, ".xlsx"), "clinic.xlsx cannot be read as .xlsx: it starts with b'id,t,x"),
    ("without an ending", of_file(CSV, ""), "a file ending in '' cannot be read"),
    (
        "named as SPSS",
        of_file(CSV, ".sav"),
        "clinic.sav cannot be read as .sav: it starts with b'id,t,x",
        "file of another kind",
    ),
    ("named as compressed SPSS", of_file(CSV, ".zsav"), "clinic.zsav cannot be read as .zsav: it starts with b'id,t,x"),
    ("named as Stata", of_file(CSV, ".dta"), "clinic.dta cannot be read as .dta: it starts with b'id,t,x"),
    (
        "named as Parquet",
        of_file(CSV, ".parquet"),
        "clinic.parquet cannot be read as .parquet: it starts with b'id,t,x",
    ),
    ("empty and named as SPSS", of_file("", ".sav"), "clinic.sav cannot be read as .sav: it is empty"),
    ("empty and named as Stata", of_file("", ".dta"), "clinic.dta cannot be read as .dta: it is empty"),
    (
        "of SPSS cut in half",
        cut(write_sav, ".sav"),
        "clinic.sav cannot be read as .sav:",
        "It may be damaged or cut off",
    ),
    (
        "of Stata cut in half",
        cut(lambda frame, path: frame.to_stata(path), ".dta"),
        "clinic.dta cannot be read as .dta:",
        "It may be damaged or cut off",
    ),
    (
        "of Parquet cut in half",
        cut(lambda frame, path: frame.to_parquet(path), ".parquet"),
        "clinic.parquet cannot be read as .parquet:",
        "It may be damaged",
    ),
    (
        "that is a folder",
        lambda folder: ab.read_frame((folder / "clinic.csv").mkdir() or folder / "clinic.csv"),
        "No file",
        "clinic.csv",
    ),
    ("that is the data", lambda _: ab.read_frame(CSV), "is a text, not a path"),
    ("that is nothing", lambda _: ab.read_frame(None), "path must be a text or a path; got None"),
    ("of Parquet with a name twice", names_twice(ab.Panel.from_long), "clinic.parquet names 'x' 2 times"),
    ("of Parquet, moments, with a name twice", names_twice(ab.Panel.from_parquet), "clinic.parquet names 'x' 2 times"),
    (
        "of Parquet, id a float beyond 2^53",
        of_parquet(id=2.0**53 + 2 * LONG["id"]),
        "'id', holds 9007199254740992 as a number with a decimal point",
    ),
    ("of Parquet, id true or false", of_parquet(id=LONG["id"] > 3), "'id', holds bool values"),
    ("of Parquet, id at infinity", of_parquet(id=LONG["id"].replace(3, np.inf)), "'id', holds inf"),
    ("of Parquet, one at 1e160", of_parquet(x=once(1e160, LONG["x"])), "others: 1, first 1e+160 (1, 0). Correct them"),
    ("of Parquet, too small", of_parquet(x=LONG["x"] * 1e-170), "'x' varies by", "Give it in another unit"),
    (
        "of two Parquet files, ids as text in one",
        of_two_files(id="0" + LONG["id"].astype(str)),
        "differ in 'id'",
        "Write all with the same columns and types",
    ),
    (
        "of two Parquet files, a column in one",
        of_two_files(z=1.0),
        "differ in 'z': 'z' is absent and double in a.parquet and b.parquet",
    ),
]


# ---- published moments and studies ----


def moments(**options):
    table = {"measures": MEASURES, "times": [0, 6], "n": 50, "means": [[1, 2], [3, 4]], "covariance": COVARIANCE}
    return lambda _: ab.Panel.from_moments(**(table | options))


def correlations(sds):
    return moments(covariance=None, correlation=np.eye(4), sds=sds)


STUDY = moments()(None)
MOMENTS = [
    (
        "masked means",
        moments(means=np.ma.masked_equal([[1, 2], [3, 4]], 2)),
        "means has missing or infinite entries: 1, first [0, 1]",
    ),
    (
        "masked covariance",
        moments(covariance=np.ma.masked_equal(COVARIANCE, 1.2)),
        "covariance has missing or infinite entries: 4",
    ),
    ("complex covariance", moments(covariance=COVARIANCE * (1 + 1j)), "covariance holds complex numbers"),
    ("means as digits", moments(means=[["1", "2"], ["3", "4"]]), "means holds text, such as '1'"),
    ("means true and false", moments(means=np.ones((2, 2), dtype=bool)), "means holds True and False"),
    ("ragged means", moments(means=[[1, 2], [3]]), "means must be numbers of shape (2, 2) or (4,), wave by wave"),
    ("huge covariance", moments(covariance=COVARIANCE * 1e300), "The SD of x at 0 is 1.09", "Give it in another unit"),
    ("tiny covariance", moments(covariance=COVARIANCE * 1e-300), "The SD of x at 0 is 1.09", "beyond 1e-60 to 1e+60"),
    ("huge SDs", correlations([1, 1e200, 1, 1]), "The SD of y at 0 is 1e+200"),
    ("tiny SDs", correlations([1, 1, 1e-200, 1]), "The SD of x at 6 is 1e-200"),
    ("SDs below 0", correlations([1, 1, 1, -1]), "The SD of y at 6 is -1; SDs must be above 0"),
    (
        "means far from 0",
        moments(means=[[1e20, 2], [3, 4]]),
        "'x at 0' has values of about 1e+20 that differ by",
        "lost in rounding",
    ),
    ("more people than lived", moments(n=10**30), "n must be at most 1,000,000,000,000 persons; got 1000"),
    ("a number of 400 digits", moments(n=10**400), "n must be at most 1,000,000,000,000 persons"),
    ("people unknown", moments(n=np.nan), "n must be a whole number of persons; got nan"),
    ("people as text", moments(n="50"), "n must be a whole number of persons; got '50'"),
    (
        "fewer people than moments",
        moments(n=4),
        "n is 4, but 4 measures x times have a covariance matrix of full rank only with more",
    ),
    ("covariance of another order", moments(covariance=np.eye(6)), "covariance has shape (6, 6); expected (4, 4)"),
    (
        "correlations beyond 1",
        moments(covariance=None, correlation=np.eye(4) + np.fliplr(np.eye(4)) * 1.5, sds=[1] * 4),
        "The correlations contradict one another: their matrix has the eigenvalue -0.5",
    ),
    ("time unit that is a list", moments(time_unit=["months"]), "time_unit must be a word"),
    (
        "no studies",
        lambda _: ab.Panel.from_studies(None),
        "studies must map two or more names to their panels; got None",
    ),
    ("studies that are numbers", lambda _: ab.Panel.from_studies({"a": 1, "b": STUDY}), "The study 'a' is 1, no panel"),
    (
        "a study without a name",
        lambda _: ab.Panel.from_studies({"a": STUDY, 1: STUDY}),
        "The name of a study must be a text; got 1",
    ),
    (
        "a study with groups",
        lambda _: ab.Panel.from_studies({"a": STUDY, "b": arrays(groups=["a", "b"] * 6)(None)}),
        "'b' has groups of its own",
    ),
]


# ---- models on panels ----


def fit(values=VALUES, measures=MEASURES, people=slice(None), panel=None, **options):
    held = ab.Panel.from_arrays(values[people], measures=measures, times=TIMES, **(panel or {}))
    return lambda _: ab.fit(ab.RICLPM(measures, **options), held, seed=1)


def third(of):
    """Values with a third measure, made of the first two."""
    x, y = VALUES[:, :, 0], VALUES[:, :, 1]
    return np.stack([x, y, of(x, y)], axis=2)


def weighted(**options):
    return lambda _: ab.maximum_likelihood(
        ab.CLPM(MEASURES), ab.Panel.from_arrays(VALUES, measures=MEASURES, times=TIMES), **options
    )


THREE = ["x", "y", "z"]
AGE = np.arange(N) % 5.0
ON_FIRST = {"covariates": {"age": ["first_wave"], "born": ["first_wave"]}}
MODELS = [
    (
        "one measure twice",
        fit(third(lambda x, y: x), THREE),
        "'z' is the same as 'x' at every time",
        "Leave one of them out",
    ),
    (
        "a sum of the others",
        fit(third(lambda x, y: x + y), THREE),
        "'z' is an exact linear function of 'x' and 'y' at every time (z = 1 x + 1 y)",
    ),
    (
        "a measure turned round",
        fit(third(lambda x, y: 7 - x), THREE),
        "'z' is an exact linear function of 'x' at every time (z = -1 x + 7)",
    ),
    (
        "the same at one time",
        fit(changed(np.s_[:, 1, 1], VALUES[:, 1, 0])),
        "'y' at time 1 is the same as 'x' in all 12 people",
    ),
    (
        "the other one time earlier",
        fit(third(lambda x, y: np.hstack([y[:, :1] ** 2, x[:, :-1]])), THREE),
        "'z' is the same as 'x' one time earlier",
    ),
    (
        "a running sum",
        fit(third(lambda x, y: np.cumsum(x, axis=1)), THREE),
        "'z' is an exact linear function of 'z' one time earlier and 'x' at every time",
    ),
    (
        "constant within persons",
        fit(third(lambda x, y: x[:, [0, 0, 0]]), THREE),
        "'z' does not change within persons",
        "covariates=['z']",
    ),
    (
        "years of age",
        fit(third(lambda x, y: x[:, [0, 0, 0]] + TIMES), THREE),
        "'z' does not change within persons, except for a shift common to all",
    ),
    (
        "a covariate that is the first value",
        fit(panel={"covariates": {"base": VALUES[:, 0, 0]}}, covariates={"base": ["first_wave"]}),
        "'x' at time 0 is the same as the covariate 'base' in all 12 people",
    ),
    (
        "age and year of birth",
        fit(panel={"covariates": {"age": AGE, "born": 2000 - AGE}}, **ON_FIRST),
        "The covariate 'born' is an exact linear function of 'age'",
    ),
    ("two people", fit(people=slice(2)), "2 people have values of this model", "need at least 3 people"),
    ("weights as text", weighted(weights=["2"] * N), "12 weights are not finite numbers above 0: 0 ('2')"),
    (
        "weights masked",
        weighted(weights=np.ma.masked_equal(np.arange(N), 3)),
        "weights has no entry for 1 persons with values: 3",
    ),
    ("weights true and false", weighted(weights=[True] * N), "12 weights are not finite numbers above 0"),
    (
        "weights worlds apart",
        weighted(weights=[1e-300, *[1.0] * (N - 1)]),
        "weights reach from 1e-300 of 0 to 1 of 1",
        "Correct or trim them",
    ),
    (
        "weights of infinite sum",
        weighted(weights=[1.0, *[1e308] * (N - 1)]),
        "weights reach from 1 of 0 to 1e+308 of 1",
    ),
    (
        "weights by other ids",
        weighted(weights={str(person): 1.0 for person in range(N)}),
        "weights has entries for '0', '1', '2' and 9 more, none of them a person of the panel, such as 0, 1, 2",
    ),
    ("clusters in lists", weighted(cluster=pd.Series([[1]] * N)), "cluster"),
    (
        "clusters that read alike",
        weighted(cluster=[1, "1"] * 6),
        "cluster holds labels that differ only in being text or numbers",
    ),
]


# ---- families ----

DAYS = changed((3, 1), 9, np.random.default_rng(3).integers(1, 29, size=(N, 3)))
ASKED = np.random.default_rng(4).integers(29, 32, size=(N, 3)).astype(float)


def counted(family, days=DAYS, asked=ASKED):
    """Fit x and days, of so many days that were asked about."""

    def call(_):
        values = np.stack([VALUES[:, :, 0], days, asked], axis=2)
        panel = ab.Panel.from_arrays(values, measures=["x", "days", "asked"], times=TIMES)
        return ab.fit(ab.RICLPM(["x", "days"], families={"days": family}), panel, seed=1)

    return call


FAMILIES = [
    ("window unknown", counted(ab.Days("asked"), asked=changed((3, 1), np.nan, ASKED)), "9 of 3 at 1", "need a window"),
    ("window of 0", counted(ab.Days("asked"), asked=changed((3, 1), 0, ASKED)), "9 of 3 at 1", "need a window"),
    ("half a day asked", counted(ab.Days("asked"), asked=changed((3, 1), 30.5, ASKED)), "9 of 3 at 1", "need a window"),
    ("more days than asked", counted(ab.Days("asked"), changed((3, 1), 40, DAYS)), "40 of 3 at 1", "0 to the window"),
    (
        "half a day",
        counted(ab.Days(35), changed((3, 1), 9.5, DAYS)),
        "9.5 of 3 at 1",
        "whole numbers from 0 to the window",
    ),
    (
        "days below 0",
        counted(ab.Days(35), changed((3, 1), -1, DAYS)),
        "-1 of 3 at 1",
        "whole numbers from 0 to the window",
    ),
    (
        "trials unknown",
        counted(ab.BetaBinomial("asked"), asked=changed((3, 1), np.nan, ASKED)),
        "need a number of trials",
    ),
    ("exposure of 0", counted(ab.Count("asked"), asked=changed((3, 1), 0, ASKED)), "need an exposure above 0"),
    (
        "exposure of nearly 0",
        counted(ab.Count("asked"), asked=changed((3, 1), 1e-12, ASKED)),
        "exposure from 1e-09 to 1e+09",
    ),
    ("half a count", counted(ab.Count(), changed((3, 1), 0.5, DAYS)), "0.5 of 3 at 1", "whole numbers, 0 or more"),
    ("an answer of 2", counted(ab.YesNo()), "Its values must be 0 or 1"),
    ("category 0", counted(ab.Ordinal(20), DAYS % 20), "0 of ", "whole numbers from 1 to 20"),
    ("an unknown window", counted(ab.Days("askd")), "no measure 'askd'; did you mean 'asked'?"),
]

# ---- statements of a model file ----

TOML = """
format = 1
title = "x and y"
[panel]
person = "id"
time = "t"
measures = ["x", "y"]
[model]
kind = "riclpm"
[[question]]
ask = "hypotheses"
between = ["x", "y"]
statements = ['{}']
"""


def statement(text):
    def call(folder):
        (folder / "model.toml").write_text(TOML.format(text))
        return ab.load(folder / "model.toml")

    return call


STATEMENTS = [
    ("of no effect", statement("1 < 2"), "'1 < 2' names no effect"),
    ("of nothing", statement("nan > inf"), "'nan' is neither a number nor an effect of the model"),
    ("of one effect with itself", statement("x -> y > x -> y"), "'x -> y > x -> y' compares an effect with itself"),
    ("of a size below 0", statement("|x -> y| < 0"), "'|x -> y|' is a size, which is never below 0"),
    ("that nothing satisfies", statement("0.2 < x -> y < 0.1"), "'x -> y' cannot be above 0.2 and below 0.1"),
    ("with a number too large", statement("x -> y > 1e999"), "1e999 is too large for a number"),
]

TABLES = {
    "array": (ARRAYS, ab.PanelError),
    "frame": (FRAMES, ab.PanelError),
    "file": (FILES, ab.PanelError),
    "moments": (MOMENTS, ab.PanelError),
    "model": (MODELS, ab.AllianceBayesError),
    "family": (FAMILIES, ab.AllianceBayesError),
    "statement": (STATEMENTS, ab.ModelFileError),
}
CASES = [
    Case(f"{table}: {name}", call, tuple(says), kind)
    for table, (rows, kind) in TABLES.items()
    for name, call, *says in rows
]

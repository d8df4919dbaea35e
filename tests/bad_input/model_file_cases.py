"""Model files that cannot be used, read by the functions and by the commands."""

from functools import partial

from case import Case, command

import alliance_bayes as ab

HEAD = 'format = 1\ntitle = "Does x lead y?"\n'
PANEL = '[panel]\nperson = "id"\ntime = "month"\nmeasures = ["x", "y"]\n'
MODEL = '[model]\nkind = "riclpm"\n'
WHOLE = HEAD + PANEL + MODEL
DIRECTION = '[[question]]\nask = "directionality"\nbetween = ["x", "y"]\n'
MEDIATION = '[[question]]\nask = "mediation"\ntreatment = "x"\nmediators = ["y"]\noutcome = "y"\nhorizon = 2\n'
DEEP = "[" * 60 + "]" * 60
ASSOCIATION = """
format = 1
title = "Do they go together?"
[panel]
person = "id"
time = "month"
[model]
kind = "association"
[[regression]]
name = "one"
outcomes = ["y"]
exposures = ["x"]
formula = "month + x"
"""
CAUSAL = """
format = 1
title = "What if?"
[panel]
person = "id"
time = "month"
times = [0, 3]
[model]
kind = "causal_order"
[[regression]]
formula = "y_at_3 ~ x_at_0"
[[question]]
name = "all"
ask = "contrast_of_regimes"
outcome = "y_at_3"
regimes = { all = { x_at_0 = 1 }, none = { x_at_0 = 0 } }
"""


def _written(folder, content):
    path = folder / "model.toml"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, "utf-8")
    return path


def _load(content, folder):
    return ab.load(_written(folder, content))


def _check(content, folder):
    return command("check", _written(folder, content), folder / "data.csv")


def _file(name, content, *says):
    return Case(f"model file: {name}", partial(_load, content), says, ab.ModelFileError)


def _command(name, content, *says):
    return Case(f"check: {name}", partial(_check, content), says)


def _folder(folder):
    return ab.load(folder)


def _huge(folder):
    path = folder / "model.toml"
    path.write_text(WHOLE + "times = [" + "1, " * 1_000_000 + "1]\n", "utf-8")
    return ab.load(path)


NOT_TOML = "is not valid TOML"
CASES = [
    _file("empty", "", "model.toml is empty", "begins with 'format = 1'"),
    _file("blank", " \n\n", "model.toml is empty"),
    _file("only a mark", b"\xef\xbb\xbf", "model.toml is empty"),
    _file("binary", bytes(range(256)), "model.toml is not text in UTF-8", "0x80", "Save it as UTF-8"),
    _file("latin", WHOLE.replace("Does", "Dö").encode("latin-1"), "not text in UTF-8", "0xf6"),
    _file("utf-16", WHOLE.encode("utf-16"), "not text in UTF-8"),
    _file("zeros", b"\x00" * 40, NOT_TOML),
    _file("python", "import alliance_bayes as ab", NOT_TOML),
    _file("data", "id,month,x,y\n1,0,2,3\n", NOT_TOML),
    _file("twice", WHOLE + "[panel]\n", NOT_TOML, "line"),
    _file("unclosed", HEAD + '[panel]\nperson = "id', NOT_TOML),
    _file("deep", WHOLE + f"deep = {DEEP}\n", "nests tables or lists more than 20 levels deep"),
    _file("very deep", WHOLE + f"deep = {'[' * 100_000}\n", "nests tables or lists more than 20 levels deep"),
    _file("dotted", WHOLE + ".".join("a" * 400) + " = 1\n", "nests tables or lists more than 20 levels deep"),
    _file("5,000 digits", WHOLE + f"[sampling]\ndraws = {'9' * 5000}\n", "a number with thousands of digits"),
    _file(
        "400 digits",
        WHOLE + f"[sampling]\ndraws = {'9' * 400}\n",
        "[sampling] draws must be a whole number above 0, at most 1,000,000,000",
        "about 10^400",
    ),
    Case(
        "model file: large",
        _huge,
        ("3,000,", "a model file has at most 2,000,000", "Is it the data file?"),
        ab.ModelFileError,
    ),
    Case("model file: a folder", _folder, ("is a folder. Name the model file in it.",), ab.ModelFileError),
    Case("model file: none", lambda _: ab.load("no.toml"), ("No model file 'no.toml'.",), ab.ModelFileError),
    Case("model file: a null byte", lambda _: ab.load("a\0b.toml"), ("No model file",), ab.ModelFileError),
    Case("model file: a long name", lambda _: ab.load("a" * 5000), ("cannot be read",), ab.ModelFileError),
    Case("model file: packaged", lambda _: ab.packaged_model("help"), ("No packaged model 'help'",), ab.ModelFileError),
    _file("format 2", WHOLE.replace("format = 1", "format = 2"), "format must be the number 1; got 2"),
    _file("format true", WHOLE.replace("format = 1", "format = true"), "format must be the number 1; got True"),
    _file(
        "title a date", WHOLE.replace('"Does x lead y?"', "2020-01-01"), "title must be a text; got the date 2020-01-01"
    ),
    _file("no panel", HEAD + MODEL, "The file needs 'panel'"),
    _file("panel a list", HEAD + "panel = [1]\n" + MODEL, "The file panel must be a section, [panel]; got [1]"),
    _file(
        "measures a number", WHOLE.replace('["x", "y"]', "3"), "[panel] measures must be a list of two or more names"
    ),
    _file("measures mixed", WHOLE.replace('["x", "y"]', '["x", 3]'), "[panel] measures must be a list of two or more"),
    _file(
        "times nan",
        HEAD + PANEL + "times = [0, nan]\n" + MODEL,
        "[panel] times must be a list of numbers",
        "got [0, nan]",
    ),
    _file("times inf", HEAD + PANEL + "times = [0, inf]\n" + MODEL, "[panel] times must be a list of numbers"),
    _file("times dates", HEAD + PANEL + "times = [2020-01-01, 2020-07-01]\n" + MODEL, "the date 2020-01-01"),
    _file("times nested", HEAD + PANEL + "times = [[0, 1]]\n" + MODEL, "[panel] times must be a list of numbers"),
    _file("times many", HEAD + PANEL + f"times = [{'1, ' * 5000}1]\n" + MODEL, "times must increase"),
    _file("kind a list", WHOLE.replace('"riclpm"', '["riclpm"]'), "[model] kind must be one of 'riclpm'"),
    _file("lags a list", WHOLE + 'lags = ["equal"]\n', "[model] lags must be one of 'equal'", "got ['equal']"),
    _file("stationary", WHOLE + "stationary = 1\n", "[model] stationary must be one of False, True; got 1"),
    _file(
        "reliability nan",
        WHOLE + "reliability = { x = nan }\n",
        "[model] reliability of 'x' must lie between 0 and 1; got nan",
    ),
    _file(
        "families a number",
        WHOLE + "families = { y = 3 }\n",
        "[model] family of 'y': must be a table such as { family = 'days', window = 30 }; got 3",
    ),
    _file(
        "family huge",
        WHOLE + f"families = {{ y = {{ family = 'days', window = {'9' * 60} }} }}\n",
        "window must be a whole number of days",
    ),
    _file(
        "state a text", WHOLE + 'state = "s"\n', "[model] state: A state must be a table with the key 'name'; got 's'"
    ),
    _file(
        "prior nan",
        WHOLE + "[priors]\nicc = { beta = [nan, 2] }\n",
        "alpha of its Beta prior must be a finite number; got nan",
    ),
    _file("prior a text", WHOLE + '[priors]\nicc = { beta = ["a", 2] }\n', "'icc': beta needs 2 number(s)"),
    _file("prior a date", WHOLE + "[priors]\nicc = 2020-01-01\n", "'icc' must be one family with its numbers"),
    _file("priors a list", HEAD + "priors = [1]\n" + PANEL + MODEL, "priors must be a section, [priors]"),
    _file(
        "seed 2^64",
        WHOLE + f"[sampling]\nseed = {2**64}\n",
        "[sampling] seed must be a whole number of 0 or more and below 2^63",
    ),
    _file(
        "seed -1",
        WHOLE + "[sampling]\nseed = -1\n",
        "[sampling] seed must be a whole number of 0 or more and below 2^63",
        "got -1",
    ),
    _file(
        "draws 10^12",
        WHOLE + f"[sampling]\ndraws = {10**12}\n",
        "[sampling] draws must be a whole number above 0, at most 1,000,000,000",
    ),
    _file(
        "draws a float",
        WHOLE + "[sampling]\ndraws = 1e3\n",
        "[sampling] draws must be a whole number above 0",
        "got 1000.0",
    ),
    _file(
        "chains 10^6",
        WHOLE + "[sampling]\nchains = 1000000\n",
        "[sampling] chains must be a whole number above 0, at most 1,000; got 1000000",
    ),
    _file("tune inf", WHOLE + "[sampling]\ntune = inf\n", "[sampling] tune must be a whole number above 0", "got inf"),
    _file(
        "target_accept nan",
        WHOLE + "[sampling]\ntarget_accept = nan\n",
        "target_accept must be a number between 0 and 1; got nan",
    ),
    _file(
        "ask a list", WHOLE + '[[question]]\nask = ["directionality"]\n', "[[question]] 1 cannot ask ['directionality']"
    ),
    _file("ask a number", WHOLE + "[[question]]\nask = 3\n", "[[question]] 1 cannot ask 3"),
    _file("question a text", HEAD + 'question = "x"\n' + PANEL + MODEL, "question must be one or more sections"),
    _file("margin nan", WHOLE + DIRECTION + "margin = nan\n", "margin must be a number between 0 and 1; got nan"),
    _file(
        "margin a text",
        WHOLE + DIRECTION + 'margin = "small"\n',
        "margin must be a number between 0 and 1; got 'small'",
    ),
    _file("certainty 1", WHOLE + DIRECTION + "certainty = 1\n", "certainty must be a number between 0.5 and 1; got 1"),
    _file(
        "between nested",
        WHOLE + DIRECTION.replace('["x", "y"]', '[["x"], "y"]'),
        "between must be a list of two or more",
    ),
    _file(
        "change a list",
        WHOLE + MEDIATION + 'change = ["pulse"]\n',
        "change must be one of 'pulse', 'sustained'; got ['pulse']",
    ),
    _file("column a date", WHOLE + "[columns]\nx = 2020-01-01\n", "[columns] x must be a table", "the date 2020-01-01"),
    _file("truth a number", HEAD + "truth = 3\n" + PANEL + MODEL, "truth must be a section, [truth]; got 3"),
    _file("truth nan", WHOLE + "[truth]\ntimes = [0, 1, 2]\nicc = nan\n", "[truth] icc must be"),
    _file("truth nested", WHOLE + "[truth]\ntimes = [0, 1, 2]\nicc = [[0.5]]\n", "[truth] icc must be"),
    _file(
        "name a number",
        ASSOCIATION.replace('"one"', "3"),
        "[[regression]] 1 name must be a text; got 3",
    ),
    _file(
        "name a list",
        ASSOCIATION.replace('"one"', "[1]"),
        "[[regression]] 1 name must be a text; got [1]",
    ),
    _file(
        "outcomes 3",
        ASSOCIATION.replace('["y"]', "3"),
        "[[regression]] 1 outcomes must be a list of columns, such as ['alliance']; got 3",
    ),
    _file("sampling a list", "sampling = [1]\n" + ASSOCIATION, "sampling must be a section"),
    _file(
        "association draws",
        ASSOCIATION + f"[sampling]\ndraws = {10**12}\n",
        "[sampling] draws must be a whole number above 0, at most",
    ),
    _file(
        "association seed",
        ASSOCIATION + f"[sampling]\nseed = {2**64}\n",
        "[sampling] seed must be a whole number of 0 or more and below 2^63",
    ),
    _file(
        "times text",
        ASSOCIATION.replace('time = "month"', 'time = "month"\ntimes = ["a"]'),
        "times must be a list of numbers",
    ),
    _file(
        "causal seed",
        CAUSAL + f"[sampling]\nseed = {2**64}\n",
        "[sampling] seed must be a whole number of 0 or more and below 2^63",
    ),
    _file(
        "causal times",
        CAUSAL.replace("[0, 3]", "[0.5]"),
        "[panel] times must be a list of whole numbers",
    ),
    _file(
        "policy a text",
        CAUSAL.replace("{ x_at_0 = 1 }", '{ x_at_0 = "all" }'),
        "regimes must be a table of two or more",
    ),
    _file(
        "shift a list",
        CAUSAL.replace("{ x_at_0 = 1 }", "{ x_at_0 = { shift = [[1]] } }"),
        "regimes must be a table of two",
    ),
    _file(
        "copies",
        CAUSAL + "[simulation]\ncopies = 1\n",
        "copies must be a whole number of 2 or more; got 1",
    ),
    _command("empty", "", "model.toml is empty"),
    _command("binary", bytes(range(256)), "not text in UTF-8"),
    _command("deep", WHOLE + f"deep = {DEEP}\n", "nests tables or lists"),
    _command("5,000 digits", WHOLE + f"[sampling]\ndraws = {'9' * 5000}\n", "thousands of digits"),
    _command("no data", WHOLE, "data.csv"),
    Case("run: a folder", lambda folder: command("run", folder, "data.csv", "--out", "out"), ("is a folder",)),
    Case(
        "run: no file", lambda _: command("run", "no.toml", "data.csv", "--out", "out"), ("No model file 'no.toml'.",)
    ),
    Case(
        "run: deep",
        lambda folder: command("run", _written(folder, WHOLE + f"deep = {DEEP}\n"), "d.csv", "--out", "o"),
        ("nests tables",),
    ),
    Case(
        "run: digits",
        lambda folder: command("run", _written(folder, f"a = {'9' * 5000}"), "d.csv", "--out", "o"),
        ("thousands",),
    ),
    Case(
        "run: model kind a list",
        lambda folder: command("run", _written(folder, WHOLE.replace('"riclpm"', "[1]")), "d.csv", "--out", "o"),
        ("[model] kind must be one of 'riclpm'",),
    ),
]

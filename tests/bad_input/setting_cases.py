"""Settings that cannot be used: of a fit, and of the commands."""

from case import Case, command

import alliance_bayes as ab

PANEL = ab.Panel.from_moments(
    measures=["x", "y"],
    times=[0, 1, 2],
    n=200,
    means=[[0, 0]] * 3,
    covariance=[[1 + 0.5 * (i == j) for j in range(6)] for i in range(6)],
)
SPEC = ab.RICLPM(["x", "y"])
NAN = float("nan")
WHOLE = "must be a whole number above 0; got"
STUDY = "sponsor-study"


def _fit(**settings):
    return lambda _: ab.fit(SPEC, PANEL, **({"seed": 1} | settings))


def _simulate(*arguments):
    return lambda folder: command("simulate", STUDY, "--out", folder / "study.csv", *arguments)


def _run(*arguments):
    """Run a packaged model on a small file of its own."""

    def call(folder):
        model, data = folder / "model.toml", folder / "data.csv"
        model.write_text(MODEL, "utf-8")
        ab.load(model).simulate(persons=20, seed=1).to_csv(data, index=False)
        command("run", model, data, "--out", folder / "out", *arguments)

    return call


MODEL = """
format = 1
title = "Does x lead y?"
[panel]
person = "id"
time = "month"
measures = ["x", "y"]
times = [0, 1, 2]
[model]
kind = "riclpm"
[truth]
lagged = { "x -> y" = 0.2 }
icc = 0.5
"""


def _case(name, call, *says, kind=ab.SpecError):
    return Case(name, call, says, kind)


CASES = [
    _case("draws 0", _fit(draws=0), "draws must be a whole number above 0; got 0"),
    _case("draws 2.5", _fit(draws=2.5), f"draws {WHOLE} 2.5"),
    _case("draws none", _fit(draws=None), f"draws {WHOLE} None"),
    _case("draws a text", _fit(draws="many"), f"draws {WHOLE} 'many'"),
    _case("draws true", _fit(draws=True), f"draws {WHOLE} True"),
    _case("draws nan", _fit(draws=NAN), f"draws {WHOLE} nan"),
    _case("draws 10^9", _fit(draws=10**9), "1,000,000,000 draws of each of 4 chains", "of memory", "Use fewer draws"),
    _case(
        "draws 10^12", _fit(draws=10**12), "draws must be at most 1,000,000,000; got 1000000000000", "A few thousand"
    ),
    _case("draws 10^30", _fit(draws=10**30), "draws must be at most 1,000,000,000"),
    _case("draws 10^400", _fit(draws=10**400), "got a whole number of about 10^400"),
    _case("draws 10^6000", _fit(draws=10**6000), "got a whole number of about 10^6000"),
    _case("tune 0", _fit(tune=0), f"tune {WHOLE} 0"),
    _case("tune 10^15", _fit(tune=10**15), "tune must be at most 100,000,000", "A warm-up takes some hundred draws."),
    _case("chains 10^6", _fit(chains=10**6), "chains must be at most 1,000; got 1000000", "Four chains are enough"),
    _case("chains -1", _fit(chains=-1), f"chains {WHOLE} -1"),
    _case("cores 10^9", _fit(cores=10**9), "cores must be at most 10,000", "Leave cores out"),
    _case("cores 1.0", _fit(cores=1.0), f"cores {WHOLE} 1.0"),
    _case("thin 0", _fit(thin=0), f"thin {WHOLE} 0"),
    _case("thin 10^6", _fit(thin=10**6), "thin must be at most 1,000; got 1000000", "Ten is much already"),
    _case("target_accept 1", _fit(target_accept=1), "target_accept must lie between 0 and 1; got 1"),
    _case("target_accept nan", _fit(target_accept=NAN), "target_accept must lie between 0 and 1; got nan"),
    _case("target_accept true", _fit(target_accept=True), "target_accept must lie between 0 and 1; got True"),
    _case("seed 2^64", _fit(seed=2**64), "seed must be below 2^63, or 9,223,372,036,854,775,808", "Any small number"),
    _case("seed 2^63", _fit(seed=2**63), "seed must be below 2^63", "got 9223372036854775808"),
    _case("seed -1", _fit(seed=-1), "seed must be a whole number of 0 or more; got -1"),
    _case("seed 0.5", _fit(seed=0.5), "seed must be a whole number of 0 or more; got 0.5"),
    _case("seed none", _fit(seed=None), "seed must be a whole number of 0 or more; got None"),
    _case("seed true", _fit(seed=True), "seed must be a whole number of 0 or more; got True"),
    _case("sampler", _fit(sampler="stan"), "sampler must be one of 'nutpie', 'pymc'; got 'stan'"),
    _case("sampler a list", _fit(sampler=["nutpie"]), "sampler must be one of 'nutpie', 'pymc'; got ['nutpie']"),
    _case("many at once", _fit(draws=0, tune=0, chains=0, seed=-1), "4 problems", "draws", "tune", "chains", "seed"),
    Case("run: seed 2^64", _run("--seed", 2**64), ("--seed must be a whole number of 0 or more and below 2^63",)),
    Case(
        "run: draws 10^12", _run("--draws", 10**12), ("--draws must be a whole number above 0, at most 1,000,000,000",)
    ),
    Case("run: draws a text", _run("--draws", "many"), ("Invalid value for '--draws'",)),
    Case("run: chains 10^6", _run("--chains", 10**6), ("--chains must be a whole number above 0, at most 1,000",)),
    Case("run: tune 10^15", _run("--tune", 10**15), ("--tune must be a whole number above 0, at most 100,000,000",)),
    Case("run: no out", lambda _: command("run", "model.toml", "data.csv"), ("Missing option '--out'",)),
    Case("run: no data", lambda _: command("run", "model.toml"), ("Missing argument 'DATA'",)),
    Case("no such command", lambda _: command("fit"), ("No such command 'fit'",)),
    Case("no such option", _simulate("--persons", 9, "--people", 9), ("No such option: --people",)),
    Case("simulate: persons 10^12", _simulate("--persons", 10**12), ("persons need about", "are free")),
    Case("simulate: persons 1", _simulate("--persons", 1), ("persons must be a whole number, at least 2; got 1",)),
    Case("simulate: persons -5", _simulate("--persons", -5), ("persons must be a whole number, at least 2; got -5",)),
    Case("simulate: persons 2.5", _simulate("--persons", 2.5), ("Invalid value for '--persons'",)),
    Case("simulate: seed 2^64", _simulate("--persons", 9, "--seed", 2**64), ("seed must be below 2^63",)),
    Case("simulate: truth", _simulate("--persons", 9, "--truth", "nil"), ("truth must be one of 'default'",)),
]

"""Names of measures that look like what answers call things, and names assigned twice."""

import ast
from pathlib import Path

import numpy as np
import pytest

import alliance_bayes as ab
from causal_truths import normal, people, yes_or_no

AVERAGE = "average of intervals of 6"


@pytest.fixture(scope="module", params=["equal", "free"])
def fit(request):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 1, 2)) + rng.normal(size=(60, 4, 2))
    panel = ab.Panel.from_arrays(values, measures=[AVERAGE, "second"], times=[0, 6, 12, 18])
    spec = ab.RICLPM([AVERAGE, "second"], lags=request.param)
    return ab.fit(spec, panel, seed=1, draws=40, tune=100, chains=2, cores=1)


def test_a_measure_named_like_an_average(fit):
    """Each answer is that of plain names."""
    plain = ab.Panel.from_arrays(fit.panel.values, measures=["one", "two"], times=fit.panel.times)
    named = ab.fit(ab.RICLPM(["one", "two"], lags=fit.spec.lags), plain, seed=1, draws=40, tune=100, chains=2, cores=1)
    for ask in (ab.directionality, ab.hypotheses):
        odd, usual = ask(fit, AVERAGE, "second"), ask(named, "one", "two")
        np.testing.assert_array_equal(odd.table.select_dtypes("number"), usual.table.select_dtypes("number"))
        assert len(str(odd).splitlines()) == len(str(usual).splitlines())
    answer = ab.directionality(fit, AVERAGE, "second")
    printed = [line for line in str(answer).splitlines() if line.startswith((f"{AVERAGE} ->", "second ->"))]
    assert len(printed) == (8 if fit.spec.lags == "free" else 2)
    assert list(answer.table.index.unique("over")) == [AVERAGE, "0 to 6", "6 to 12", "12 to 18"]
    curve = ab.lag_curve(fit)
    assert list(curve.table.index.unique("path")) == [f"second -> {AVERAGE}", f"{AVERAGE} -> second"]
    factors = ab.bayes_factors(fit, AVERAGE, "second", widths=[0.2])
    over = "on average over intervals" if fit.spec.lags == "free" else "every interval"
    assert (f"{AVERAGE} -> second", over) in factors.table.index


@pytest.mark.parametrize(("one", "other"), [("second", "first"), ("first", "second"), ("both", "practically none")])
def test_measures_named_like_events(one, other):
    from test_directionality import made_up_fit

    answer = ab.directionality(made_up_fit([0.4, 0.4], [0.0, 0.0], measures=(one, other)), one, other)
    assert answer.verdict == f"{one} leads"
    events = answer.evidence.index.get_level_values("event").tolist()
    assert events == [f"{one} leads", f"{other} leads", "both", "practically none"]
    assert answer.evidence["probability"].tolist()[:2] == [1.0, 0.0]
    assert f"P(|{one} -> {other}| larger by more than 0.03) > 0.99" in str(answer)


def test_a_variable_named_like_a_propensity():
    """Its values are no probabilities, however small they are."""
    rng = np.random.default_rng(3)
    name = "P(dose = 1)"
    order = ab.CausalOrder(
        people(200, age=rng.normal(size=200)),
        [
            yes_or_no("a", ["age"], lambda v: 0.1 * v["age"]),
            normal(name, ["a"], lambda v: v["a"], sd=0.001),
            normal("y", [name], lambda v: v[name]),
        ],
    )
    answer = ab.interventional_effects(
        order, treated={"a": 1}, control={"a": 0}, mediators=[name], outcome="y", seed=1,
        monte_carlo=ab.MonteCarlo(copies=2, progress=False),
    )  # fmt: skip
    assert name in answer.basis.values
    assert not any("below 0.05 or above 0.95" in reason for reason in answer.reasons)


def names(statement, context):
    """Names that a statement reads or stores."""
    found = (each for each in ast.walk(statement) if isinstance(each, ast.Name))
    return {each.id for each in found if isinstance(each.ctx, context)}


def names_assigned_twice(tree):
    """Names that a statement assigns and the next ones in the same block assign again before anything reads them."""
    for node in ast.walk(tree):
        for block in (getattr(node, part, None) for part in ("body", "orelse", "finalbody")):
            fresh: set[str] = set()
            for statement in block if isinstance(block, list) else []:
                fresh -= names(statement, ast.Load)
                if not isinstance(statement, ast.Assign):
                    fresh = set()
                    continue
                made = set().union(*(names(target, ast.Store) for target in statement.targets))
                yield from sorted(fresh & made - {"_"})
                fresh |= made


def test_no_name_is_assigned_twice_without_being_read():
    root = Path(ab.__file__).parent
    found = {
        f"{file.relative_to(root)}: {name}"
        for file in root.rglob("*.py")
        for name in names_assigned_twice(ast.parse(file.read_text()))
    }
    assert found == set()
    twice = "x = 1\ny = x\nx = 2\nx, z = 3, 4\n"
    assert list(names_assigned_twice(ast.parse(twice))) == ["x"]

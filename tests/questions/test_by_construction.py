"""Effects that are 0 by construction have no probability: in tables, texts, figures and statements."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.questions.dynamics import Dynamics
from alliance_bayes.questions.mediated_effects import MediatedChange
from alliance_bayes.questions.structure import fixed_intervals, leads
from causal_truths import normal, people
from fabricated import fabricated_fit, made_fit

MEASURES = ["x", "m", "y"]
ON, OFF, FEW = {"a": 1}, {"a": 0}, ab.MonteCarlo(copies=2, progress=False)


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 1, 3)) + rng.normal(size=(60, 4, 3))
    return ab.Panel.from_arrays(values, measures=MEASURES, times=[0, 1, 2, 3])


@pytest.fixture(scope="module", params=["equal", "continuous"])
def fit(request, panel):
    """Without the path from x to y, which leaves it to m."""
    spec = ab.RICLPM(MEASURES, lags=request.param, remove=["x -> y"])
    return ab.fit(spec, panel, seed=1, draws=40, tune=100, chains=2, cores=1)


def test_an_effect_without_any_way_has_no_probability(fit):
    answer = ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=2, paths=["x -> m -> y"])
    fixed = {name: bool((answer.draws[name] == 0).all()) for name in answer.table.index}
    assert answer.table["fixed"].to_dict() == fixed
    around = ["other paths"] if fit.spec.lags == "equal" else []  # in continuous time also back and forth
    assert [name for name, zero in fixed.items() if zero] == ["direct", *around]
    probabilities = answer.table[["p_positive", "p_positive_mcse", "p_positive_prior"]]
    np.testing.assert_array_equal(probabilities.isna().all(axis=1), answer.table["fixed"])
    np.testing.assert_array_equal(probabilities.isna().any(axis=1), answer.table["fixed"])
    assert (answer.table.loc["direct", ["mean", "lower", "upper"]] == 0).all()
    (line,) = (line for line in str(answer).splitlines() if line.startswith("direct "))
    assert line.split("]")[1].split("-")[0].strip() == "0 by construction"
    assert "share" not in answer.tables
    assert answer.body[-1] == ("Share that is indirect: 1, since the direct effect is 0 by construction.")
    assert "direct and indirect effects of opposite sign" not in answer.evidence.index
    labels = [label.get_text() for label in answer.plot().axes[0].get_yticklabels()]
    assert "direct, 0 by construction" in labels
    assert "indirect" in labels


def test_all_effects_of_a_whole_model_have_probabilities(panel):
    whole = ab.fit(ab.RICLPM(MEASURES, lags="equal"), panel, seed=1, draws=40, tune=100, chains=2, cores=1)
    answer = ab.mediation(whole, treatment="x", mediators=["m"], outcome="y", horizon=2)
    assert not answer.table["fixed"].any()
    assert not answer.table.isna().any(axis=None)
    assert "direct and indirect effects of opposite sign" in answer.evidence.index
    assert "construction" not in str(answer)


def test_a_hidden_cause_of_a_fixed_effect_is_refused(fit):
    answer = ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=2)
    with pytest.raises(ab.SpecError, match="'direct' is 0 by construction in this answer, so that it has no sign"):
        ab.sensitivity(answer, effect="direct")
    assert np.isfinite(ab.sensitivity(answer, effect="indirect").table["p_same_sign"]).all()


def test_a_statement_about_what_is_fixed_is_refused(fit):
    if fit.spec.lags == "continuous":
        free = ab.hypotheses(fit, "x", "m", statements=["x -> y > 0"]).table  # through m, at any lag
        assert 0 < free.loc["x -> y > 0", "posterior"] < 1
        return
    asked = ["x -> y > 0", "|x -> y| < 0.03 & x -> m > 0", "0.1 > x -> y, 1 to 2", "x -> y < m -> y"]
    with pytest.raises(ab.SpecError) as caught:
        ab.hypotheses(fit, "x", "m", statements=asked)
    assert caught.value.problems == tuple(
        f"'{text}': '{effect}' is 0 by construction, so that this holds or not without any data. Compare effects that "
        "the model has."
        for text, effect in zip(asked[:3], ("x -> y", "x -> y", "x -> y, 1 to 2"), strict=True)
    )
    table = ab.hypotheses(fit, "x", "m", statements=asked[3:]).table
    assert (
        table.loc[asked[3], "posterior"]
        == (fit.posterior["lagged"].sel(path="m -> y") > 0).isel(interval=slice(1)).mean()
    )


def carried_nowhere(lags, times):
    """x acts on y one step later, and neither carries over."""
    remove = ["x -> x", "y -> y", "y -> x"]
    spec = ab.RICLPM(["x", "y"], lags=lags, remove=remove)
    return fabricated_fit(np.array([[0.0, 0.0], [0.3, 0.0]]), measures=("x", "y"), times=times, spec=spec)


def test_a_lag_that_no_way_reaches():
    answer = ab.lag_curve(carried_nowhere("equal", (0, 3, 6, 9)), longest=9)
    assert answer.table["fixed"].to_dict() == {("x -> y", 3.0): False, ("x -> y", 6.0): True, ("x -> y", 9.0): True}
    assert answer.table["p_positive"].tolist()[0] == 1.0
    assert answer.table["p_positive"].isna().tolist() == [False, True, True]
    lines = str(answer).splitlines()
    assert [line.count("0 by construction") for line in lines[2:5]] == [0, 1, 1]
    assert "> 0.99" in lines[2]


def test_the_start_of_a_continuous_curve_is_known(fit):
    if fit.spec.lags != "continuous":
        pytest.skip("only a continuous curve starts at lag 0")
    table = ab.lag_curve(fit).table
    at_start = table.index.get_level_values("lag") == 0
    np.testing.assert_array_equal(table["fixed"], at_start)
    np.testing.assert_array_equal(table["p_positive"].isna(), at_start)


def test_direction_over_an_interval_that_no_way_spans_is_refused():
    spec = ab.RICLPM(["x", "y"], lags="grid", remove=["x -> x", "y -> y"])
    fit = fabricated_fit(np.zeros((2, 2)), measures=("x", "y"), times=(0, 1, 3, 4), spec=spec)
    assert fixed_intervals(fit, ("x", "y")) == ("1 to 3",)
    for ask in (ab.directionality, ab.hypotheses):
        with pytest.raises(ab.SpecError) as caught:
            ask(fit, "x", "y")
        assert caught.value.problems == tuple(
            f"'{path}' is 0 by construction over '1 to 3', since no path of that many steps connects them (fixed at 0: "
            "x -> x, y -> y). Free paths of a measure on itself."
            for path in ("x -> y", "y -> x")
        )


def test_groups_over_intervals_that_no_way_spans_are_refused():
    spec = ab.CLPM(["x", "y"], lags="grid", remove=["x -> x", "y -> y"], group_lags="free")
    values = np.random.default_rng(3).normal(size=(40, 4, 2))
    panel = ab.Panel.from_arrays(
        values, measures=["x", "y"], times=[0, 1, 3, 4], groups=np.where(np.arange(40) % 2, "a", "b")
    )
    unsampled = made_fit(spec, panel, xr.DataTree(), Settings(1, 1, 1, 1, 0.8, 1, "nutpie", 0.0, 0.0))
    with pytest.raises(ab.SpecError, match="'x -> y' is 0 by construction over '1 to 3'"):
        ab.group_contrast(unsampled, "x -> y")


def test_groups_of_a_removed_path_are_refused_as_fixed():
    spec = ab.CLPM(["x", "y"], remove=["y -> x"], group_lags="free")
    panel = ab.Panel.from_arrays(
        np.random.default_rng(3).normal(size=(40, 4, 2)),
        measures=["x", "y"], times=[0, 1, 2, 3], groups=np.where(np.arange(40) % 2, "a", "b"),
    )  # fmt: skip
    unsampled = made_fit(spec, panel, xr.DataTree(), Settings(1, 1, 1, 1, 0.8, 1, "nutpie", 0.0, 0.0))
    with pytest.raises(ab.SpecError) as caught:
        ab.group_contrast(unsampled, "y -> x")
    assert caught.value.problems == (
        "'y -> x' is fixed at 0 in this model (remove), so there is nothing to ask. Fit it with this path.",
    )


def test_ways_are_counted_as_matrix_powers():
    rng = np.random.default_rng(2)
    for size in (2, 4):
        free = rng.random((size, size)) < 0.4
        for n_steps in range(5):
            np.testing.assert_array_equal(leads(free, n_steps), np.linalg.matrix_power(free.astype(int), n_steps) > 0)
        reached = np.linalg.matrix_power(np.eye(size, dtype=int) + free, size) > 0
        np.testing.assert_array_equal(leads(free, None), reached)


@pytest.mark.parametrize("timing", ["waves", "continuous"])
def test_effects_are_fixed_where_positive_paths_give_nothing(timing):
    """Without negative effects nothing cancels, so that an effect is 0 exactly where no way counts for it."""
    rng = np.random.default_rng(5)
    names = ("x", "m", "n", "y")
    paths = ("x -> m -> y", "x -> m -> n -> y")
    found = []
    for _ in range(150):
        free = rng.random((4, 4)) < 0.45
        n_steps, sustained = int(rng.integers(2, 6)), bool(rng.integers(2))
        spec = SimpleNamespace(
            measures=names, paths=[f"{names[c]} -> {names[r]}" for r in range(4) for c in range(4) if free[r, c]]
        )
        change = MediatedChange("x", ("m", "n"), "y", sustained, paths)
        fixed = change.fixed(spec, n_steps if timing == "waves" else None)
        matrices = free * rng.uniform(0.5, 2.0, (1, 1, 4, 4))
        dynamics = Dynamics(
            measures=names,
            timing=timing,
            matrices=np.repeat(matrices[:, :, None], n_steps, axis=2) if timing == "waves" else matrices,
            elapsed=np.arange(n_steps + 1.0) if timing == "waves" else np.array([0.0, 1.0]),
            unit_step=1.0,
            sds=np.ones((1, 1, 4)),
            correlations=np.eye(4)[None, None],
            innovations=np.eye(4)[None, None],
        )
        effects = change.effects(dynamics).isel(time=-1)
        rounding = 1e-12 * float(effects["total"].max())
        assert fixed == [name for name, effect in effects.items() if abs(float(effect.max())) <= rounding]
        found += fixed
    assert {name: found.count(name) for name in effects if not 5 < found.count(name) < 145} == {}


CHAIN = [
    normal("z", [], lambda v: 0.0),
    normal("n", ["z"], lambda v: v["z"]),
    normal("m", ["a"], lambda v: 0.5 * v["a"]),
    normal("y", ["m", "n"], lambda v: v["m"] + v["n"]),
]


def order():
    return ab.CausalOrder(people(50), CHAIN, randomised="a")


def test_a_regime_that_changes_nothing_has_no_probability():
    regimes = {"as it is": {"a": 0}, "with z": {"a": 0, "z": 1}, "with a": {"a": 1}}
    answer = ab.contrast_of_regimes(order(), regimes=regimes, outcome="n", seed=1, monte_carlo=FEW)
    assert answer.table["fixed"].to_dict() == {"with z against as it is": False, "with a against as it is": True}
    assert answer.table.loc["with a against as it is", "verdict"] == "0 by construction"
    assert np.isnan(answer.table.loc["with a against as it is", ["p_positive", "p_positive_mcse"]].astype(float)).all()
    (line,) = (line for line in str(answer).splitlines() if line.startswith("with a against"))
    assert line.endswith("  0 by construction")
    labels = [label.get_text() for label in answer.plot().axes[0].get_yticklabels()]
    assert "with a against as it is, 0 by construction" in labels


def test_direct_effects_around_every_path_are_fixed():
    asked = {"treated": ON, "control": OFF, "outcome": "y", "seed": 1, "monte_carlo": FEW}
    drawn = ab.interventional_effects(order(), mediators=["m", "n"], **asked)
    assert drawn.table["fixed"].to_dict() == {
        "total": False, "overall": False, "direct": True, "indirect": False,
        "through m alone": False, "through n alone": True, "jointly": False,
    }  # fmt: skip
    own = ab.natural_effects(order(), mediators=["m"], **asked)
    assert own.table["fixed"].to_dict() == {
        "total": False, "direct": True, "indirect": False, "total direct": True, "pure indirect": False,
    }  # fmt: skip
    controlled = ab.controlled_direct_effects(
        order(), treated=ON, control=OFF, levels={"m": [0, 1]}, outcome="y", seed=1, monte_carlo=FEW
    )
    assert controlled.table["fixed"].all()
    assert (controlled.draws.drop_dims("world").to_dataarray() == 0).all()
    with pytest.raises(ab.SpecError, match="'direct' is 0 by construction in this answer"):
        ab.sensitivity(own, effect="direct")


def test_a_rule_may_read_anything_and_is_not_called_fixed():
    regimes = {"set": {"a": 0}, "by a rule": {"a": lambda values, own: np.zeros(values.shape)}}
    answer = ab.contrast_of_regimes(order(), regimes=regimes, outcome="y", seed=1, monte_carlo=FEW)
    assert not answer.table["fixed"].any()
    assert answer.table["p_positive"].tolist() == [0.0]

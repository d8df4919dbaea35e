"""Effects under hidden causes: truths with a hidden cause are recovered, and the words say what the numbers are."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.questions import sensitivity as module
from alliance_bayes.questions.hidden_causes import e_value, indirect_at, risk_ratio_of_difference
from causal_truths import least_squares, normal, people
from fabricated import DRIFT, MEASURES, fabricated_fit

PHI = np.array([[0.3, 0.0, 0.0], [0.4, 0.2, 0.0], [0.1, 0.4, 0.3]])


def ask(fit, **options):
    chosen = {"treatment": "x", "mediators": ["m"], "outcome": "y", "horizon": 6} | options
    return ab.mediation(fit, **chosen)


def test_a_truth_with_a_hidden_cause_is_recovered():
    """Regressing y on the measures finds Phi_y + g R^-1 r; with r = g = .3 taken off, the truth comes back."""
    correlations = np.array([[1, 0.2, 0.3], [0.2, 1, 0.4], [0.3, 0.4, 1]])
    biased = PHI.copy()
    biased[2] += 0.3 * np.linalg.solve(correlations, [0, 0.3, 0])
    fit = fabricated_fit(biased, times=(0, 3, 6), within_correlation=[0.2, 0.3, 0.4])
    answer = ask(fit)
    found = ab.sensitivity(answer, hidden_cause=[0, 0.3])
    assert found.table.loc[0.0, "mean"] == pytest.approx(answer.table.loc["indirect", "mean"])
    assert found.table.loc[0.3, "mean"] == pytest.approx(0.4 * 0.4)
    direct = ab.sensitivity(answer, effect="total", hidden_cause=[0.3])
    assert direct.table.loc[0.3, "mean"] == pytest.approx((PHI @ PHI)[2, 0])


def test_correlated_innovations_follow_the_published_formula():
    fit = fabricated_fit(PHI, times=(0, 3, 6), innovation_sd=[[1.0, 0.8, 0.9]] * 2)
    found = ab.sensitivity(ask(fit), rho=[0, 0.2])
    total_sd = np.hypot(0.9, 0.4 * 0.8)
    wanted = [indirect_at(rho, 0.4, total_sd, 0.8, 0.4 * 0.8 / total_sd) for rho in (0, 0.2)]
    assert found.tables["by_correlation"]["mean"].to_numpy() == pytest.approx(np.array(wanted))
    assert float(wanted[0]) == pytest.approx(0.16)
    assert found.tables["tipping"].loc["effect", "rho"] == pytest.approx(0.4 * 0.8 / total_sd, abs=1e-3)


def test_negative_effects_are_pulled_towards_zero_too():
    phi = PHI * [[1, 1, 1], [-1, 1, 1], [1, 1, 1]]
    found = ab.sensitivity(ask(fabricated_fit(phi, times=(0, 3, 6))))
    assert (np.diff(found.table["mean"]) > 0).all()
    assert found.table["mean"].iloc[0] == pytest.approx(-0.16)


def test_tipping_points_and_benchmarks():
    names = ("x", "m", "other", "y")
    phi = np.diag([0.3, 0.3, 0.3, 0.3]) + np.array([[0] * 4, [0.4, 0, 0, 0], [0] * 4, [0, 0.4, 0.25, 0]])
    fit = fabricated_fit(
        phi, measures=names, times=(0, 3, 6), sd=0.02, within_correlation=[0, 0, 0, 0.16, 0, 0], shape=(2, 500)
    )
    found = ab.sensitivity(ask(fit))
    row = found.tables["benchmarks"].loc["other"]
    assert (row["start"], row["outcome"]) == pytest.approx((0.16, 0.25), abs=0.005)
    assert row["strength"] == pytest.approx(0.2, abs=0.005)
    tip = found.tables["tipping"]["strength"]
    assert 0 < tip["sign"] <= tip["effect"]
    near = found.tables["curve"]["p_same_sign"]
    assert (
        near[tip["sign"]]
        < 0.95
        <= near[found.tables["curve"].index[found.tables["curve"].index.get_loc(tip["sign"]) - 1]]
    )
    wanted = np.sqrt(0.4 * (1 - 0.16**2))
    assert tip["effect"] == pytest.approx(wanted, abs=0.025)
    assert found.body[-1].startswith(f"A hidden cause of strength {tip['sign']:.2f} would take the certainty of the")
    assert "'other' is as strong as 0.20" in found.body[-1]
    uncertain = ab.sensitivity(ask(fabricated_fit(0.2 * PHI, times=(0, 3, 6), sd=0.2)))
    assert uncertain.body[-1].startswith("The sign of the indirect effect is not certain even without a hidden cause")


def with_shares(shares, means=None):
    """Effects at strengths 0, .02, ... of which this share is positive, with these means."""
    n_draws, n_strengths = 1000, len(module.GRID)
    shares = np.pad(shares, (0, n_strengths - len(shares)), mode="edge")
    effects = np.full((2, n_draws, n_strengths), -0.5)
    for place, share in enumerate(shares):
        effects[:, : round(share * n_draws), place] = 0.5
    if means is not None:
        effects += np.pad(means, (0, n_strengths - len(means)), mode="edge") - effects.mean(axis=(0, 1))
    return effects


def asked_of(monkeypatch, shares, means=None, *, sign=1):
    """Sensitivity of an answer whose effects at each strength are made up; .95 is the certainty."""
    effects = sign * with_shares(shares, means)

    def at(start, on_outcome):
        if np.ndim(on_outcome):
            return xr.DataArray(effects[..., 0], dims=("chain", "draw"))
        place = int(np.abs(module.GRID - abs(on_outcome)).argmin())
        return xr.DataArray(effects[..., place], dims=("chain", "draw"))

    monkeypatch.setattr(module, "_of_dynamics", lambda *_: at)
    return module.sensitivity(ask(fabricated_fit(PHI, times=(0, 3, 6), shape=(2, 1000))), certainty=0.95)


@pytest.mark.parametrize(
    ("shares", "tips"),
    [
        ([0.99, 0.96, 0.95, 0.949, 0.9], 0.06),
        ([0.95, 0.949], 0.02),
        ([0.949, 0.99, 0.9], np.nan),
        ([0.99, 0.99], np.nan),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_tips_below_the_certainty(monkeypatch, shares, tips, sign):
    """Exactly the certainty is enough, before and after; a sign that is uncertain without a hidden cause does not."""
    found = asked_of(monkeypatch, shares, sign=sign)
    assert found.tables["curve"]["p_same_sign"].iloc[: len(shares)].tolist() == shares
    assert found.tables["tipping"].loc["sign", "strength"] == pytest.approx(tips, nan_ok=True)


@pytest.mark.parametrize(
    ("means", "tips"), [([0.5, 0.25, 0.0], 0.04), ([0.5, 0.25, -0.25], 0.04), ([0.5, 0.25], np.nan)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_effect_tips_at_0(monkeypatch, means, tips, sign):
    found = asked_of(monkeypatch, [0.5] * len(means), means, sign=sign)
    assert found.tables["tipping"].loc["effect", "strength"] == pytest.approx(tips, nan_ok=True)


def test_a_hidden_cause_is_adverse_to_either_sign():
    """Every strength takes from the size of the effect, whether the effect and its path are above or below 0."""
    for signs in ([1, 1], [-1, 1], [1, -1], [-1, -1]):
        phi = PHI.copy()
        phi[1, 0], phi[2, 1] = 0.4 * signs[0], 0.4 * signs[1]
        table = ab.sensitivity(ask(fabricated_fit(phi, times=(0, 3, 6)))).table
        assert (np.diff(abs(table["mean"])) < 0).all()


def test_the_e_value_of_a_limit_is_that_nearest_to_no_effect():
    found = {}
    for name, bounds in {"total": (0.2, 0.6), "direct": (-0.6, -0.2), "indirect": (-0.1, 0.4)}.items():
        found[name] = {"mean": sum(bounds) / 2, "lower": bounds[0], "upper": bounds[1]}
    e_values = module._e_values(SimpleNamespace(table=pd.DataFrame.from_dict(found, orient="index")), 1.0)
    nearest = e_value(risk_ratio_of_difference(0.2))
    assert e_values["e_value_of_limit"].tolist() == pytest.approx([nearest, nearest, 1.0])


@pytest.mark.parametrize(
    ("function", "nearest"),
    [
        (lambda value: (value + 0.22) * (value - 0.81), -0.22),
        (lambda value: (value - 0.22) * (value + 0.81), 0.22),
        (lambda value: 1.0, np.nan),
    ],
)
def test_the_correlation_nearest_to_0_is_found(function, nearest):
    assert module._zero_nearest_to_0(function) == pytest.approx(nearest, abs=1e-3, nan_ok=True)


def test_a_prior_on_the_hidden_cause_widens_the_effect():
    answer = ask(fabricated_fit(PHI, times=(0, 3, 6), sd=0.02, shape=(2, 500)))
    narrow, wide = (ab.sensitivity(answer, prior_sd=sd).tables["with_prior"].iloc[0] for sd in (0.05, 0.4))
    assert narrow["mean"] == pytest.approx(answer.table.loc["indirect", "mean"], abs=0.005)
    assert wide["upper"] - wide["lower"] > 1.5 * (narrow["upper"] - narrow["lower"])


def test_e_values_of_every_effect():
    answer = ask(fabricated_fit(PHI, times=(0, 3, 6), sd=0.01))
    found = ab.sensitivity(answer).tables["e_values"]
    ratio = np.exp(0.91 * answer.table.loc["indirect", "mean"])
    assert found.loc["indirect", "e_value"] == pytest.approx(ratio + np.sqrt(ratio * (ratio - 1)))
    assert 1 < found.loc["indirect", "e_value_of_limit"] < found.loc["indirect", "e_value"]
    null = ab.sensitivity(ask(fabricated_fit(0 * PHI, times=(0, 3, 6), sd=0.1))).tables["e_values"]
    assert null.loc["indirect", "e_value_of_limit"] == 1


def test_continuous_effects_move_too():
    found = ab.sensitivity(ask(fabricated_fit(drift=DRIFT)), hidden_cause=[0, 0.2])
    assert found.table.loc[0.0, "mean"] == pytest.approx(0.060698, abs=1e-6)
    shifted = DRIFT.copy()
    shifted[2, 1] -= 0.2 * 0.2 / 3
    wanted = ask(fabricated_fit(drift=shifted)).table.loc["indirect", "mean"]
    assert found.table.loc[0.2, "mean"] == pytest.approx(wanted)


def test_a_covariate_as_benchmark_is_what_leaving_it_out_would_do():
    """The bias formula with a measured covariate's strengths is the omitted-variable identity of least squares."""
    rng = np.random.default_rng(3)
    n = 400
    frame = pd.DataFrame({"a": rng.integers(0, 2, n), "c": rng.normal(size=n)})
    frame["m"] = 0.5 * frame["a"] + 0.6 * frame["c"] + rng.normal(size=n)
    frame["y"] = 0.3 * frame["a"] + 0.4 * frame["m"] + 0.7 * frame["c"] + 3 * rng.normal(size=n)
    first = least_squares(frame, "m ~ a + c", ["a", "c"])
    second = least_squares(frame, "y ~ a + m + c", ["a", "m", "c"])
    without = least_squares(frame, "y ~ a + m", ["a", "m"])[2]
    order = ab.CausalOrder(frame[["a", "c"]], [ab.regression(*first[:2]), ab.regression(*second[:2])])
    answer = ab.natural_effects(order, treated={"a": 1}, control={"a": 0}, mediators=["m"], outcome="y", seed=1)
    found = ab.sensitivity(answer, effect="direct")
    row = found.tables["benchmarks"].loc["c"]
    bias = row["start"] * row["outcome"] * frame["y"].std(ddof=0)
    assert bias == pytest.approx(without["a"] - second[2]["a"])
    assert row["mean"] == pytest.approx(answer.table.loc["direct", "mean"] - abs(bias) * np.sign(second[2]["a"]))
    table = found.table
    assert table.loc[0.2, "mean"] == pytest.approx(table.loc[0.0, "mean"] - 0.04 * frame["y"].std(ddof=0))
    assert "by_correlation" not in found.tables


def test_the_bias_of_a_simulated_effect_is_taken_off():
    """``gamma delta``: what the hidden cause does to the outcome, in its SD, times the difference between regimes."""
    draws = xr.DataArray([[1.0, 2.0]], dims=("chain", "draw"))
    at = module._of_counterfactual(draws, 10.0)
    np.testing.assert_allclose(at(0.2, 0.3), draws - 0.6)
    np.testing.assert_allclose(at(-0.2, 0.3), draws + 0.6)


def test_every_problem_of_a_sensitivity_in_one_message():
    answer = ask(fabricated_fit(PHI, times=(0, 3, 6)))
    with pytest.raises(ab.SpecError) as error:
        ab.sensitivity(answer, effect="inderect", mediator="y", hidden_cause=[1], rho=[1], prior_sd=0, certainty=0.2)
    assert str(error.value) == (
        "This sensitivity cannot be computed. 6 problems:\n"
        "  1. The answer has no effect 'inderect'; did you mean 'indirect'? Effects: 'total', 'direct', 'indirect'.\n"
        "  2. 'y' is not a mediator of this answer. Mediators: 'm'.\n"
        "  3. hidden_cause must lie from 0 to below 0.95; got [1].\n"
        "  4. prior_sd must lie between 0 and 1; got 0.\n"
        "  5. rho must lie between -1 and 1; got [1].\n"
        "  6. certainty must lie between 0.5 and 1; got 0.2."
    )
    order = ab.CausalOrder(people(10), [normal("m", ["a"], lambda v: v["a"]), normal("y", ["m"], lambda v: v["m"])])
    simulated = ab.natural_effects(order, treated={"a": 1}, control={"a": 0}, mediators=["m"], outcome="y", seed=1)
    with pytest.raises(ab.SpecError, match="'y' was observed for nobody"):
        ab.sensitivity(simulated)


def test_printed_sensitivity_and_figure():
    found = ab.sensitivity(ask(fabricated_fit(PHI, times=(0, 3, 6), sd=0.02, shape=(2, 500))))
    printed = str(found)
    assert printed.startswith("indirect effect of x on y through m under hidden causes, SD per SD\n")
    assert found.body[-1] in printed
    zero = found.tables["tipping"].loc["effect", "rho"]
    assert f"With correlated innovations the effect would be 0 if they correlated {zero:.2f}." in printed
    figure = found.plot()
    assert figure.axes[0].get_title(loc="left") == found.heading
    assert figure.axes[1].get_xlabel() == "strength of a hidden cause, in SDs on both sides"
    assert list(MEASURES) == ["x", "m", "y"]

"""Direction under hidden causes: panels with one are corrected to the truth, and verdicts turn where they must."""

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

import alliance_bayes as ab
from alliance_bayes.questions import sensitivity_of_direction as module
from alliance_bayes.questions.hidden_causes import moved_by_common_cause
from fabricated import fabricated_fit

PAIR = ("x", "y")
LEADING = np.array([[0.3, 0.0], [0.2, 0.3]])


@pytest.fixture(autouse=True)
def few_strengths(monkeypatch, request):
    """Fine strengths only where they are looked at, since each takes its time."""
    if "fine" not in request.fixturenames:
        monkeypatch.setattr(module, "FINE", np.linspace(0, 0.9, 10))


@pytest.fixture
def fine():
    """Asks for the strengths that users get."""


def direction(lagged, **options):
    given = {"measures": PAIR, "times": (0, 3, 6), "sd": 1e-4} | options
    return ab.directionality(fabricated_fit(lagged, **given), *PAIR)


def with_hidden_cause(effects, loadings, persistence, innovations):
    """Covariance of measures and a hidden cause of variance 1, and what one wave predicts of the next."""
    size = len(effects)
    transition = np.block([[effects, persistence * loadings[:, None]], [np.zeros(size), persistence]])
    shocks = np.zeros((size + 1, size + 1))
    shocks[:size, :size] = innovations
    entering = np.append(loadings, 1.0)
    shocks += (1 - persistence**2) * np.outer(entering, entering)
    return solve_discrete_lyapunov(transition, shocks), transition


@pytest.mark.parametrize("seed", range(4))
def test_effects_of_regressions_without_the_hidden_cause_are_corrected(seed):
    """Any loadings on three measures: the population regression of a wave on the wave before, standardised."""
    rng = np.random.default_rng(seed)
    effects = np.diag(rng.uniform(0.1, 0.5, 3)) + rng.normal(0, 0.1, (3, 3))
    persistence, root = rng.uniform(0.2, 0.9), rng.normal(size=(3, 3))
    covariance, transition = with_hidden_cause(effects, rng.normal(0, 0.4, 3), persistence, root @ root.T / 3)
    within = covariance[:3, :3]
    estimated = (transition @ covariance)[:3, :3] @ np.linalg.inv(within)
    sds = np.sqrt(np.diag(within))
    units = sds[None, :] / sds[:, None]
    correlated = covariance[:3, 3] / sds
    slopes = np.linalg.solve(within / np.outer(sds, sds), correlated)
    moved = moved_by_common_cause(estimated * units, correlated, correlated @ slopes, persistence)
    np.testing.assert_allclose(estimated * units - np.outer(moved, slopes), effects * units, atol=1e-10)
    assert abs(estimated - effects).max() > 0.02


def panel_with_hidden_cause(persons, icc, seed):
    """Four waves drawn without the package: the hidden cause correlates .5 with both and .5 with itself."""
    effects, strength, persistence = np.array([[0.4, 0.0], [0.15, 0.4]]), np.array([0.5, 0.5]), 0.5
    joint = np.array([[1, 0.3, 0.5], [0.3, 1, 0.5], [0.5, 0.5, 1]])
    loadings = strength - persistence * effects @ strength
    transition = np.block([[effects, persistence * loadings[:, None]], [np.zeros(2), persistence]])
    shocks = joint - transition @ joint @ transition.T
    rng = np.random.default_rng(seed)
    state, waves = rng.multivariate_normal(np.zeros(3), joint, persons), []
    for _ in range(4):
        waves.append(state[:, :2])
        state = state @ transition.T + rng.multivariate_normal(np.zeros(3), shocks, persons)
    stable = np.sqrt(icc / (1 - icc)) * rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], persons)
    return ab.Panel.from_arrays(np.stack(waves, axis=1) + stable[:, None], measures=PAIR, times=[0, 1, 2, 3])


@pytest.mark.parametrize(("model", "icc", "bias"), [(ab.CLPM, 0.0, 0.0), (ab.RICLPM, 0.5, 0.03)])
def test_a_hidden_cause_of_known_strength_is_taken_off(model, icc, bias):
    """Truth .15 and 0; estimated about .22 and .07. With random intercepts the correction is one of first order."""
    panel = panel_with_hidden_cause(3000, icc, seed=3)
    fit = ab.fit(model(PAIR, lags="equal"), panel, seed=1, draws=150, tune=300, chains=2)
    answer = ab.directionality(fit, *PAIR)
    found = ab.sensitivity(answer, hidden_cause=[0, 0.5], persistence=0.5).table.loc["x and y"]
    for side, truth in (("forward", 0.15), ("backward", 0.0)):
        error = (found[f"{side}_upper"] - found[f"{side}_lower"]) / 3.2
        assert found.loc[0, side] - truth > 0.05
        assert abs(found.loc[0.5, side] - truth) < 3 * error.loc[0.5] + bias


def test_a_cause_of_one_and_then_the_other_is_taken_off():
    """Drawn without the package: U moves x by .4 of its SDs at once, y by .4 one wave later, and does not go on."""
    rng = np.random.default_rng(5)
    before = rng.multivariate_normal(np.zeros(3), [[1, 0.3, 0.4], [0.3, 1, 0], [0.4, 0, 1]], 400_000)
    x, y, hidden = before.T
    noise = np.sqrt(1 - np.var(0.1 * x + 0.3 * y + 0.4 * hidden))
    later = np.column_stack([0.4 * x + 0.9 * rng.normal(size=len(x)), 0.1 * x + 0.3 * y + 0.4 * hidden])
    later[:, 1] += noise * rng.normal(size=len(x))
    slopes = np.linalg.lstsq(before[:, :2], later, rcond=None)[0].T
    answer = direction(slopes, within_correlation=0.3)
    found = ab.sensitivity(answer, hidden_cause=[0, 0.4]).table.loc["x, then y"]
    assert found.loc[0, "forward"] == pytest.approx(0.1 + 0.16 / (1 - 0.09), abs=0.01)
    assert found.loc[0.4, "forward"] == pytest.approx(0.1, abs=0.01)
    assert found["backward"].to_numpy() == pytest.approx(0.0, abs=0.01)


def test_strengths_that_turn_the_verdict_and_lose_a_sign(fine):
    """Uncorrelated: x -> y less s^2 by a cause of x, then y; "x leads" needs more than .03, a sign more than 0."""
    found = ab.sensitivity(direction(LEADING))
    tipping = found.tables["tipping"]["strength"]
    assert tipping["x, then y", "verdict"] == pytest.approx(0.42)  # .4123
    assert tipping["x, then y", "sign of x -> y"] == pytest.approx(0.46)  # .4472
    assert np.isnan(tipping["x, then y", "sign of y -> x"]), "never certain"
    assert np.isnan(tipping["y, then x", "sign of x -> y"]), "never lost"
    assert "changes the verdict 'x leads' at strength 0.42" in str(found)
    assert found.table.loc[("x, then y", 0.5), "forward"] == pytest.approx(0.2 - 0.25, abs=1e-3)
    other = found.table.loc[("y, then x", 0.5)]
    assert (other["forward"], abs(other["backward"])) == pytest.approx((0.2, 0.25), abs=1e-3)


def test_a_cause_of_both_follows_the_closed_form(fine):
    rho, s = 0.5, 0.4
    found = ab.sensitivity(direction(LEADING), hidden_cause=[s], persistence=rho)
    strength = np.full(2, s)
    moved = rho * (strength - rho * LEADING @ strength) / (1 - rho**2 * 2 * s**2)
    corrected = LEADING - np.outer(moved, strength)
    row = found.table.loc[("x and y", s)]
    assert (row["forward"], row["backward"]) == pytest.approx((corrected[1, 0], corrected[0, 1]), abs=1e-3)
    assert found.tables["by_persistence"].index.tolist() == [0.2, 0.4, 0.5, 0.6, 0.8]
    assert (np.diff(found.tables["by_persistence"]["strength"].dropna()) <= 0).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_hidden_causes_speak_against_the_answer_whatever_its_sign(sign):
    lagged = LEADING * [[1, 1], [sign, 1]]
    table = ab.sensitivity(direction(lagged), hidden_cause=[0, 0.1, 0.2, 0.3]).table
    for cause in ("x and y", "x, then y"):
        assert (np.diff(abs(table.loc[cause]["forward"])) < 0).all()


def test_effects_that_are_practically_none_are_made_larger(fine):
    found = ab.sensitivity(direction(LEADING * [[1, 1], [0.105, 1]]), hidden_cause=[0, 0.3])
    assert found.basis.verdict == "practically none"
    assert found.table.loc[("x, then y", 0.3), "verdict"] == "x leads"
    assert found.tables["tipping"].loc[("x, then y", "verdict"), "strength"] == pytest.approx(0.1)  # .021 + s^2 > .03


def test_causes_that_the_measures_would_predict_entirely_are_impossible():
    """Of uncorrelated measures two correlations of s leave 1 - 2 s^2."""
    found = ab.sensitivity(direction(LEADING), hidden_cause=[0.7, 0.72])
    assert found.table.loc["x and y"]["verdict"].tolist()[1] == "impossible"
    assert found.table.loc[("x and y", 0.72)].drop("verdict").isna().all()
    assert np.isfinite(found.table.loc[("x and y", 0.7), "forward"])


def test_other_measures_are_benchmarks():
    """One that correlates .4 with x and .25 with y, and .3 with itself one wave later."""
    lagged = np.diag([0.3, 0.3, 0.3])
    lagged[1, 0] = 0.2
    fit = fabricated_fit(
        lagged, measures=("x", "y", "mood"), times=(0, 3, 6), sd=1e-4, within_correlation=[0, 0.4, 0.25]
    )
    found = ab.sensitivity(ab.directionality(fit, *PAIR))
    row = found.tables["benchmarks"].loc["like mood"]
    assert (row["with_first"], row["with_second"]) == pytest.approx((0.4, 0.25))
    assert row["persistence"] == pytest.approx(0.3, abs=1e-3)
    assert row["strength"] == pytest.approx(np.sqrt(0.1))
    assert "'mood' is as strong as 0.32." in found.body
    assert "and with no other measure" in found.assumptions[0]
    assert "no other measure" not in ab.sensitivity(direction(LEADING)).assumptions[0]


def test_all_of_their_correlation_is_a_benchmark():
    found = ab.sensitivity(direction(LEADING, within_correlation=-0.25)).tables["benchmarks"]
    assert found.loc["all of their correlation", ["with_first", "with_second"]].tolist() == [0.5, -0.5]


def test_a_prior_on_strengths_widens_both_effects():
    narrow, wide = (ab.sensitivity(direction(LEADING), prior_sd=sd).tables["with_prior"].iloc[0] for sd in (0.05, 0.3))
    for side in ("forward", "backward"):
        assert wide[f"{side}_upper"] - wide[f"{side}_lower"] > 3 * (narrow[f"{side}_upper"] - narrow[f"{side}_lower"])


def test_every_problem_in_one_message():
    with pytest.raises(ab.SpecError) as error:
        ab.sensitivity(
            direction(LEADING), effect="total", hidden_cause=[1], persistence=1.0, prior_sd=0, rho=[0], certainty=0.9
        )
    assert error.value.problems == (
        "effect, mediator, rho and certainty are for answers on mediation and regimes; of direction both effects and "
        "the verdict are in question, with the certainty of the answer. Omit them.",
        "hidden_cause must lie from 0 to below 0.95; got [1].",
        "prior_sd must lie between 0 and 1; got 0.",
        "persistence must lie between 0 and 1; got 1.0.",
    )


def test_one_pair_and_the_length_of_an_interval_are_needed():
    fit = fabricated_fit(np.diag([0.3, 0.3, 0.3]), times=(0, 3, 6), sd=0.01)
    with pytest.raises(
        ab.SpecError, match=r"answer is about 3 pairs; ask about one of them, such as answer.parts\['x, m'\]"
    ):
        ab.sensitivity(ab.directionality(fit))
    assert ab.sensitivity(ab.directionality(fit).parts["m, y"]).arguments["between"] == ("m", "y")
    with pytest.raises(ab.SpecError, match="answer is about a lag of 6, which is no interval between waves"):
        ab.sensitivity(ab.directionality(fit, "x", "y", lag=6))


def test_printed_sensitivity_and_figure():
    found = ab.sensitivity(direction(LEADING))
    lines = str(found).splitlines()
    assert lines[0] == (
        "Direction between x and y under hidden causes, SD per SD over 3; without one the verdict is 'x leads'"
    )
    assert any(line.startswith("x, then y: 0.2 ") and line.endswith("x leads") for line in lines)
    titles = [axes.get_title(loc="left") for axes in found.plot().axes[::2]]
    assert titles == [f"Hidden cause of {cause}" for cause in ("x and y", "x, then y", "y, then x")]

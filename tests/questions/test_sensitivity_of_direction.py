"""Direction under hidden causes: panels with one are corrected to the truth, and verdicts turn where they must."""

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

import alliance_bayes as ab
from alliance_bayes.posterior.health import Health
from alliance_bayes.questions import sensitivity_of_direction as module
from alliance_bayes.questions.hidden_causes import loadings_on_common_cause
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
    loadings = loadings_on_common_cause(estimated * units, correlated, correlated @ slopes, persistence)
    corrected = estimated * units - persistence * np.outer(loadings, slopes)
    np.testing.assert_allclose(corrected, effects * units, atol=1e-10)
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
    assert "changes the verdict 'x leads' at strength 0.42 to 'practically none'" in str(found)
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


def least_innovation_variance(lagged, correlation, strength, persistence):
    """Smallest eigenvalue of the covariance of both measures and a cause of both that goes on, and of their shocks'."""
    within, correlated = np.array([[1, correlation], [correlation, 1]]), np.full(2, strength)
    slopes = np.linalg.solve(within, correlated)
    loadings = correlated - persistence * lagged @ correlated
    loadings = loadings / (1 - persistence**2 * correlated @ slopes)
    effects = lagged - persistence * np.outer(loadings, slopes)
    transition = np.block([[effects, persistence * loadings[:, None]], [np.zeros(2), persistence]])
    joint = np.block([[within, correlated[:, None]], [correlated, 1.0]])
    shocks = joint - transition @ joint @ transition.T
    return min(np.linalg.eigvalsh(joint)[0], np.linalg.eigvalsh(shocks)[0])


@pytest.mark.parametrize("persistence", [0.2, 0.5, 0.8])
@pytest.mark.parametrize(("carry_over", "correlation"), [(0.3, 0.0), (0.7, 0.1), (0.8, 0.3)])
def test_causes_that_no_process_can_have_are_impossible(carry_over, correlation, persistence):
    """Shocks of measures and cause together have a covariance matrix only up to some strength."""
    lagged, strengths = np.array([[carry_over, 0.0], [0.2, carry_over]]), np.arange(0.025, 0.95, 0.05)
    answer = direction(lagged, within_correlation=correlation)
    found = ab.sensitivity(answer, hidden_cause=strengths, persistence=persistence).table.loc["x and y"]
    least = [least_innovation_variance(lagged, correlation, strength, persistence) for strength in strengths]
    assert min(map(abs, least)) > 1e-4, "none at the boundary itself"
    assert (found["verdict"] != "impossible").tolist() == [each > 0 for each in least]
    assert found.loc[found["verdict"] == "impossible"].drop(columns="verdict").isna().all(axis=None)


def test_what_moves_one_measure_later_is_no_more_than_its_innovations():
    """Of y one interval later .2 x + .8 y says .68; a cause of x then brings s^2 (1 - s^2), at most .25."""
    lagged = np.array([[0.3, 0.0], [0.2, 0.8]])
    found = ab.sensitivity(direction(lagged), hidden_cause=[0.5, 0.7, 0.9]).table
    assert "impossible" not in found.loc["x, then y"]["verdict"].tolist()
    lagged[1, 1] = 0.88  # innovations of .1856, which .5 would exceed by .25 * .75
    found = ab.sensitivity(direction(lagged), hidden_cause=[0.3, 0.5]).table
    assert (found.loc["x, then y"]["verdict"] == "impossible").tolist() == [False, True]


@pytest.mark.usefixtures("fine")
def test_each_persistence_is_looked_at_up_to_the_strongest_possible_cause():
    """At persistence .2 the verdict turns at .62, and .66 is impossible."""
    answer = direction(np.array([[0.4, 0.1], [0.1, 0.4]]))
    tipping = ab.sensitivity(answer, persistence=0.2).tables["tipping"].loc[("x and y", "verdict")]
    assert (tipping["strength"], tipping["becomes"]) == (0.62, "practically none")
    assert tipping["largest"] < 0.7
    assert ab.sensitivity(answer).tables["by_persistence"].loc[0.2, "strength"] == 0.62


def test_an_undecided_answer_is_asked_in_both_signs(fine):
    """Both larger than the margin, too unsafely: a cause of opposite signs had hidden how large they are."""
    answer = direction(np.array([[0.4, 0.07], [0.115, 0.4]]), sd=0.04, shape=(4, 500), within_correlation=0.3)
    assert answer.verdict == "undecided"
    found = ab.sensitivity(answer)
    tipping = found.tables["tipping"].xs("verdict", level="lost")
    same, opposite = (tipping.loc[f"x and y{sign}"] for sign in ("", ", opposite signs"))
    assert opposite["strength"] < 0.3 < same["strength"]
    assert opposite["becomes"] == "both"
    assert found.tables["by_persistence"].loc[0.5, "strength"] == opposite["strength"]
    assert (
        f"A hidden cause of x and y, opposite signs, of equal strength with both, changes the verdict 'undecided' at "
        f"strength {opposite['strength']:.2f} to 'both'."
    ) in found.body
    unequal = found.tables["unequal"]["verdict"]
    assert unequal[0.2, -0.2] == "both"
    assert unequal[0.9, -0.9] == "impossible"
    assert any("'both' by 0.1 and -0.2" in str(part) for part in found.body)
    assert "unequal" not in ab.sensitivity(direction(LEADING)).tables


def test_a_verdict_that_no_cause_changes_is_said_of_equal_strengths():
    """In steps of .1, since it is at .62 that the verdict turns."""
    found = ab.sensitivity(direction(np.array([[0.4, 0.1], [0.1, 0.4]])), persistence=0.2)
    assert (
        "No hidden cause of x and y, of equal strength with both, changes the verdict 'both' up to strength 0.60, "
        "beyond which none is possible"
    ) in str(found)


def test_draws_that_cannot_be_trusted_are_asked_nothing():
    """Their verdict is "undecided" whatever the hidden cause."""
    sick = Health(1.2, 90, 90, 0, 1.0, "", ("R-hat is 1.2.",))
    found = ab.sensitivity(direction(LEADING, health=sick))
    assert "changes the verdict" not in str(found)
    assert "R-hat is 1.2." in found.reasons[0]


@pytest.mark.parametrize("model", [ab.CLPM, ab.RICLPM])
def test_the_correction_is_called_exact_without_random_intercepts_only(model):
    found = ab.sensitivity(direction(LEADING, spec=model(PAIR, lags="equal")))
    assert ("exact without random intercepts only" in str(found)) == (model is ab.RICLPM)


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

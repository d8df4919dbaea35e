"""Informative hypotheses beside exact probabilities of normal orthants, and what the answer says."""

import re
from itertools import pairwise, permutations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import multivariate_normal, norm

import alliance_bayes as ab
from alliance_bayes.basics.problems import Problems
from alliance_bayes.posterior.health import Health
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.posterior.summaries import Probability
from alliance_bayes.questions.hypotheses import _verdict, bf_complement, bf_unconstrained
from alliance_bayes.questions.statements import effects_of, parse
from fabricated import made_fit

N_CHAINS, N_DRAWS = 4, 2500
TIMES = (0, 6, 12, 18)
PATHS = ("alliance -> days", "days -> alliance")
MEAN, PRIOR_SD = np.array([0.12, 0.06, 0.02, 0.05, 0.04, -0.03]), 0.15
COVARIANCE = 0.0016 * (0.7 * np.eye(6) + 0.3)


def made_up_fit(mean=MEAN, covariance=COVARIANCE, *, times=TIMES, lags="free", seed=1):
    """A fit whose six effects, three intervals of each path, are normal with these moments after the data."""
    rng = np.random.default_rng(seed)
    panel = ab.Panel.from_arrays(
        rng.normal(size=(30, 4, 2)), measures=["alliance", "days"], times=times, time_unit="months"
    )
    spec = ab.RICLPM(["alliance", "days"], lags=lags)
    intervals = [f"{earlier} to {later}" for earlier, later in pairwise(times)]
    groups = {}
    for group, centre, spread in (
        ("/posterior", mean, covariance),
        ("/prior", np.zeros(6), PRIOR_SD**2 * np.eye(6)),
    ):
        drawn = rng.multivariate_normal(centre, spread, size=(N_CHAINS, N_DRAWS))
        effects = np.zeros((N_CHAINS, N_DRAWS, 3, 4))
        effects[..., 2], effects[..., 1] = drawn[..., :3], drawn[..., 3:]
        dims = ("chain", "draw", "interval", "path")
        paths = ["alliance -> alliance", "days -> alliance", "alliance -> days", "days -> days"]
        groups[group] = xr.Dataset(
            {"lagged_standardized": (dims, effects)}, coords={"path": paths, "interval": intervals}
        )
    fit = made_fit(spec, panel, xr.DataTree.from_dict(groups), Settings(N_DRAWS, 1, 4, 1, 0.9, 1, "", 0, 0))
    fit.__dict__["health"] = Health(1.0, 900, 900, 0, 1.0, "", ())
    return fit


def probability_of_order(mean, covariance):
    """P(first < second < third) of a normal."""
    steps = np.array([[-1, 1, 0], [0, -1, 1]])
    return multivariate_normal(-steps @ mean, steps @ covariance @ steps.T).cdf(np.zeros(2))


def test_bayes_factors_of_orders_are_those_of_normal_orthants():
    """All six orders of a path's three effects: f by the bivariate normal, c = 1 / 6, within 4 errors."""
    fit, intervals = made_up_fit(), ("0 to 6", "6 to 12", "12 to 18")
    for order in permutations(range(3)):
        text = " < ".join(f"alliance -> days, {intervals[place]}" for place in order)
        row = ab.hypotheses(fit, "alliance", "days", statements=[text]).table.loc[text]
        exact = probability_of_order(MEAN[list(order)], COVARIANCE[:3, :3])
        assert abs(row["posterior"] - exact) < 4 * row["posterior_mcse"] + 1e-3, order
        assert abs(row["prior"] - 1 / 6) < 4 * row["prior_mcse"]
        if row["bf_unconstrained_bound"] or row["posterior"] < 0.001:
            continue
        assert abs(np.log(row["bf_unconstrained"]) - np.log(6 * exact)) < 4 * row["bf_unconstrained_log_error"]
        bf_complement = exact / (1 - exact) / (1 / 5)
        assert abs(np.log(row["bf_complement"]) - np.log(bf_complement)) < 4 * row["bf_complement_log_error"]


def test_default_hypotheses_are_those_of_the_averages():
    fit = made_up_fit()
    answer = ab.hypotheses(fit, "alliance", "days")
    assert list(answer.table.index) == [
        "|alliance -> days| > |days -> alliance|",
        "|days -> alliance| > |alliance -> days|",
        "|alliance -> days| > 0.03 & |days -> alliance| > 0.03",
        "|alliance -> days| < 0.03 & |days -> alliance| < 0.03",
        "alliance -> days, 0 to 6 < alliance -> days, 6 to 12 < alliance -> days, 12 to 18",
        "alliance -> days, 0 to 6 > alliance -> days, 6 to 12 > alliance -> days, 12 to 18",
        "days -> alliance, 0 to 6 < days -> alliance, 6 to 12 < days -> alliance, 12 to 18",
        "days -> alliance, 0 to 6 > days -> alliance, 6 to 12 > days -> alliance, 12 to 18",
    ]
    averages = np.kron(np.eye(2), np.full((1, 3), 1 / 3))
    rng = np.random.default_rng(8)
    exact = rng.multivariate_normal(averages @ MEAN, averages @ COVARIANCE @ averages.T, size=400_000)
    larger = (abs(exact[:, 0]) > abs(exact[:, 1])).mean()
    row = answer.table.iloc[0]
    assert abs(row["posterior"] - larger) < 4 * row["posterior_mcse"] + 0.004
    inside = 2 * norm.cdf(0.03, scale=PRIOR_SD / np.sqrt(3)) - 1
    row = answer.table.iloc[3]
    assert abs(row["prior"] - inside**2) < 4 * row["prior_mcse"]
    pairs = answer.table["posterior"].to_numpy()
    assert pairs[0] + pairs[1] == pytest.approx(1)


def test_what_no_draw_satisfies_is_a_bound():
    fit = made_up_fit(mean=np.repeat([0.4, 0.0], 3))
    table = ab.hypotheses(fit, "alliance", "days").table
    surely, never = table.iloc[0], table.iloc[1]
    assert surely["posterior"] == 1
    assert surely["bf_unconstrained"] == pytest.approx(1 / surely["prior"])
    assert surely["bf_complement_bound"] == ">"
    assert surely["bf_complement"] == pytest.approx(10_000 / (surely["prior"] / (1 - surely["prior"])))
    assert never["bf_unconstrained_bound"] == "<"
    assert never["bf_unconstrained"] == pytest.approx(1 / 10_000 / never["prior"])
    assert np.isnan(never["bf_unconstrained_log_error"])
    nothing = Probability(0.0, 0.0, 4000)
    assert str(bf_unconstrained(nothing, nothing)) == "unknown"
    assert str(bf_unconstrained(Probability(0.5, 0.01, 1000), nothing)) == "> 2000"
    assert str(bf_complement(Probability(1.0, 0.0, 1000), Probability(0.5, 0.01, 4000))) == "> 1000"


def test_practical_equivalence():
    fit = made_up_fit(mean=np.array([0.2, 0.2, 0.2, 0.0, 0.0, 0.0]), covariance=1e-4 * np.eye(6))
    rope = ab.hypotheses(fit, "alliance", "days", margin=0.05).tables["rope"]
    assert rope.loc[("alliance -> days", "0 to 6"), "verdict"] == "not negligible"
    assert rope.loc[("days -> alliance", "0 to 6"), "verdict"] == "practically none"
    np.testing.assert_allclose(rope[["below", "inside", "above"]].sum(axis=1), 1)
    row = ab.hypotheses(made_up_fit(), "alliance", "days").tables["rope"].loc[("days -> alliance", "0 to 6")]
    exact = norm.cdf(0.03, 0.05, 0.04) - norm.cdf(-0.03, 0.05, 0.04)
    assert abs(row["inside"] - exact) < 4 * row["inside_mcse"]
    assert row["verdict"] == "undecided"
    lower, upper = norm.ppf([0.055, 0.945], 0.05, 0.04)
    share = (norm.cdf(0.03, 0.05, 0.04) - norm.cdf(max(lower, -0.03), 0.05, 0.04)) / 0.89
    assert upper > 0.03
    assert row["interval_inside"] == pytest.approx(share, abs=0.03)
    assert row["inside_prior"] == pytest.approx(2 * norm.cdf(0.03, scale=PRIOR_SD) - 1, abs=0.02)


def test_printed_hypotheses():
    fit = made_up_fit(mean=np.repeat([0.2, 0.0], 3), lags="equal", seed=2)
    text = "|alliance -> days| > |days -> alliance|"
    answer = ab.hypotheses(
        fit, "alliance", "days", statements={"alliance leads": text, "0 < days -> alliance": "0 < days -> alliance"}
    )

    def without_digits(line):  # draws differ in the last digits between processors
        return re.sub(r"\s+", " ", re.sub(r"\d[\d.]*", "#", line))

    lines = str(answer).splitlines()
    wanted = [
        "Hypotheses about lagged effects within persons, SD per SD, 6 months apart; 30 people, 4 waves, 10000 draws",
        "  posterior  prior  BF against unconstrained [MC error]  BF against complement [MC error]",
        "alliance leads          > 0.999    0.506         1.98 [1.94, 2.02]                    > 9770",
        "0 < days -> alliance      0.501    0.504       0.992 [0.965, 1.02]       0.985 [0.931, 1.04]",
        f"alliance leads: {text}",
        "Practically none, effects between -0.03 and 0.03:",
        "                  P(below)  P(inside)  prior  P(above)  89 % interval inside",
        "alliance -> days   < 0.001    < 0.001  0.265   > 0.999      0%: not negligible",
        "days -> alliance     0.150      0.692  0.270     0.157     78%: undecided",
        "Sampling: no problems.",
        "What this says, and what it does not:",
        f"  1. {fit.spec.assumptions[0]}",
        "  2. A Bayes factor compares a hypothesis with the unconstrained model (any effects), or with its complement "
        "(the hypothesis is false), under the priors of the fit; it is no probability that the hypothesis is true. "
        "Brackets: two Monte Carlo errors to each side.",
        "  3. Against the unconstrained model no hypothesis can gain more than one over its prior probability.",
        *(f"  {place}. {sentence}" for place, sentence in enumerate(fit.spec.assumptions[1:-2], start=4)),
        "Further assumptions, printed with the fit: 1 on missing values and states and 1 on how the model is built "
        "(all in .assumptions).",
    ]
    assert list(map(without_digits, lines)) == list(map(without_digits, wanted))


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        (0.0, "not negligible"),
        (0.001, "undecided"),
        (0.5, "undecided"),
        (0.999, "undecided"),
        (1.0, "practically none"),
    ],
)
def test_a_region_holds_the_whole_interval_or_none_of_it(share, verdict):
    assert _verdict(share, Health(1.0, 900, 900, 0, 1.0, "", ())) == verdict
    assert _verdict(share, Health(1.2, 9, 9, 3, 0.1, "", ("3 divergent transitions.",))) == "undecided"


def test_an_effect_of_the_margin_is_outside_the_region():
    fit = made_up_fit(mean=np.array([0.25, 0.25, 0.25, -0.25, -0.25, -0.25]), covariance=np.zeros((6, 6)))
    rope = ab.hypotheses(fit, "alliance", "days", margin=0.25).tables["rope"]
    assert rope.loc[("alliance -> days", "0 to 6"), ["below", "inside", "above"]].tolist() == [0, 0, 1]
    assert rope.loc[("days -> alliance", "0 to 6"), ["below", "inside", "above"]].tolist() == [1, 0, 0]


def test_bayes_factors_and_their_errors_by_hand():
    """``f / c`` and the odds, with errors by the delta method: of a share ``e / p``, of odds ``e / (p (1 - p))``."""
    after, before = Probability(0.8, 0.02, 4000), Probability(0.5, 0.03, 4000)
    found = bf_unconstrained(after, before)
    assert found.value == pytest.approx(1.6)
    assert found.error == pytest.approx(np.hypot(0.02 / 0.8, 0.03 / 0.5))
    found = bf_complement(after, before)
    assert found.value == pytest.approx(4.0)
    assert found.error == pytest.approx(np.hypot(0.02 / 0.16, 0.03 / 0.25))


def test_unhealthy_draws_are_said_and_decide_nothing():
    fit = made_up_fit(mean=np.zeros(6), covariance=1e-6 * np.eye(6))
    fit.__dict__["health"] = Health(1.2, 9, 9, 3, 0.1, "", ("3 divergent transitions.",))
    answer = ab.hypotheses(fit, "alliance", "days")
    assert set(answer.tables["rope"]["verdict"]) == {"undecided"}
    assert "Warning: The draws cannot be trusted: 3 divergent transitions." in str(answer).splitlines()


def test_intervals_of_different_length_are_never_averaged():
    fit = made_up_fit(times=(0, 3, 6, 12))
    answer = ab.hypotheses(fit, "alliance", "days")
    assert (
        "|alliance -> days, average of intervals of 3| > |days -> alliance, average of intervals of 3|"
        in answer.table.index
    )
    assert "alliance -> days, 0 to 3 < alliance -> days, 3 to 6" in answer.table.index
    assert not any("3 to 6 < alliance -> days, 6 to 12" in name for name in answer.table.index)
    with pytest.raises(ab.SpecError) as error:
        ab.hypotheses(fit, "alliance", "days", statements=["alliance -> days > 0"])
    assert error.value.problems[0].startswith("'alliance -> days > 0': say over what 'alliance -> days' is: ")


def test_statements_are_read_as_written():
    fit = made_up_fit()
    effects = effects_of(fit, "posterior")
    problems = Problems("none")
    first, second = effects["alliance -> days, 0 to 6"], effects["days -> alliance, 6 to 12"]
    found = parse(" |alliance->days, 0 to 6| > days -> alliance, 6 to 12 > -0.05", effects, problems)
    assert problems.found == []
    xr.testing.assert_equal(found.holds(effects), (abs(first) > second) & (second > -0.05))
    xr.testing.assert_equal(parse("alliance->days, 0 to 6<|-0.3|", effects, problems).holds(effects), first < 0.3)
    assert problems.found == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nan > inf", "'nan' is neither a number nor an effect of the model"),
        ("alliance -> days > 1_0", "'1_0' is neither a number nor an effect of the model"),
        ("alliance -> days > 1e400", "1e400 is too large for a number."),
        ("1 < 2", "'1 < 2' names no effect; compare an effect, such as 'x -> y', with a number or another effect."),
        ("alliance -> days > 0.5 > |-0.2|", "'0.5 > |-0.2|' names no effect"),
        ("alliance->days < alliance -> days", "'alliance -> days < alliance -> days' compares an effect with itself."),
        ("|alliance -> days| > -1", "'|alliance -> days|' is a size, which is never below 0"),
        ("|alliance -> days| < 0", "'|alliance -> days|' is a size, which is never below 0"),
        ("0.2 < alliance -> days < 0.1", "'alliance -> days' cannot be above 0.2 and below 0.1"),
        ("alliance -> days > 0.3 & alliance -> days < 0.1", "'alliance -> days' cannot be above 0.3 and below 0.1"),
    ],
)
def test_what_holds_always_or_never_is_no_hypothesis(text, reason):
    problems = Problems("none")
    parse(text, ["alliance -> days", "days -> alliance"], problems)
    assert f"'{text}': {reason}" in problems.found[0]


def test_every_problem_of_hypotheses_in_one_message():
    fit = made_up_fit()
    with pytest.raises(ab.SpecError) as error:
        ab.hypotheses(fit, "dayz", "dayz", margin=0)
    assert error.value.problems == (
        "The model has no measure 'dayz'; did you mean 'days'? Measures: 'alliance', 'days'.",
        "Direction needs two different measures; got 'dayz', 'dayz'.",
        "margin must lie between 0 and 1, in SD per SD; got 0.",
    )
    with pytest.raises(ab.SpecError) as error:
        ab.hypotheses(fit, "alliance", "days", statements=["alliance -> days", "alliance -> dayz > 0"])
    assert error.value.problems == (
        "'alliance -> days': 'alliance -> days' compares nothing; write '<' or '>' between two effects or numbers.",
        "'alliance -> dayz > 0': 'alliance -> dayz' is neither a number nor an effect of the model; did you mean "
        "'alliance -> days'? Effects: 'alliance -> alliance', 'days -> alliance', 'alliance -> days', 'days -> days'.",
    )
    for statements in ("|x -> y| > 0", [], [3]):
        with pytest.raises(ab.SpecError, match="statements must be a list of texts"):
            ab.hypotheses(fit, "alliance", "days", statements=statements)


def test_figure_shows_every_hypothesis():
    answer = ab.hypotheses(made_up_fit(), "alliance", "days")
    labels = [text.get_text().replace("\n", " ") for text in answer.plot().axes[0].get_yticklabels()]
    assert labels == list(answer.table.index)

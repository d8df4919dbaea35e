"""Missing values that are not missing at random: the right delta recovers the truth, and only what was asked shifts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run
from alliance_bayes.engine.kernels.moments import moments
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.posterior.source import Source
from alliance_bayes.posterior.summaries import indicator, probability
from alliance_bayes.questions import shifted_panels, tipping_points as module
from alliance_bayes.questions.delta_adjustment import _too_few_imputations, name_of_part
from alliance_bayes.questions.delta_adjustment_words import verdicts_in_words
from fabricated import made_fit

NAMES = ("alliance", "days")
SPEC = ab.RICLPM(NAMES)
SHIFT = -8.0
ABSENCE = ab.Absence


# ---- a truth that is not missing at random ----


@pytest.fixture(scope="module")
def dropout():
    """Fits of a complete panel and of what is seen of it, and the answer at the right delta.

    The better the alliance, the sooner are the next days unknown, and unknown days are 8 lower: a pattern mixture.
    """
    truth = ab.Truth(
        SPEC,
        times=[0, 6, 12, 18],
        lagged={"alliance -> days": 0.25, "days -> alliance": 0.1},
        carry_over=0.3,
        icc=0.5,
        within_correlation=0.2,
        between_correlation=0.3,
        means={"alliance": 4, "days": 20},
        sds={"alliance": 0.9, "days": 8},
    )
    complete = ab.simulate(truth, persons=1500, seed=3).values.copy()
    unknown = np.zeros(complete.shape, dtype=bool)
    log_odds = 1.2 * (complete[:, :-1, 0] - 4) / 0.9 - 1.2
    unknown[:, 1:, 1] = np.random.default_rng(3).random(log_odds.shape) < 1 / (1 + np.exp(-log_odds))
    complete[unknown] += SHIFT
    assert unknown.mean(axis=(0, 1))[1] == pytest.approx(0.21, abs=0.02)
    whole, seen = (
        ab.Panel.from_arrays(values, measures=NAMES, times=truth.times)
        for values in (complete, np.where(unknown, np.nan, complete))
    )
    sampling = {"draws": 600, "tune": 300, "chains": 2, "seed": 4}
    fit = ab.fit(SPEC, seen, **sampling)
    delta = SHIFT / fit.model.statistics.scale[1]
    answer = ab.delta_adjustment(fit, *NAMES, measure="days", deltas=[delta], imputations=9, draws=120, tune=200)
    return ab.directionality(ab.fit(SPEC, whole, **sampling), *NAMES), answer, delta


def test_delta_0_gives_back_the_fit(dropout):
    _, answer, _ = dropout
    as_fitted = answer.parts["as fitted"]
    for path in as_fitted.draws["path"].to_numpy():
        fitted, found = (of.draws["effect"].sel(path=path, drop=True) for of in (as_fitted, answer.parts["delta 0"]))
        by_imputation = found.groupby("imputation").mean(("chain", "draw", "length"))
        error = float(by_imputation.std(ddof=1)) / 3
        assert abs(float(found.mean() - fitted.mean())) < 4 * error
        assert float(found.std() / fitted.std()) == pytest.approx(1, abs=0.2)
        row = answer.table.loc[0.0, path, "average of intervals of 6"]
        wanted = as_fitted.table.loc[path, "average of intervals of 6"]
        assert abs(row["p_positive"] - wanted["p_positive"]) < 4 * row["p_positive_mcse"] + 0.01


def test_the_right_delta_recovers_what_complete_data_say(dropout):
    complete, answer, delta = dropout
    for path, bias in enumerate((0.2, 0.05)):
        answers = (complete, answer.parts["delta 0"], answer.parts[name_of_part(delta)])
        truth, at_random, found = (of.draws["effect"].isel(path=path, drop=True) for of in answers)
        # What imputed panels have of error beyond the complete one is the variance that imputation adds.
        added = np.sqrt(max(float(found.var() - truth.var()), float(truth.var()) / 4))
        assert abs(float(found.mean() - truth.mean())) < 5 * added
        assert float(at_random.mean() - truth.mean()) > max(bias, 3 * added)
    assert answer.tables["scenarios"].loc[delta, "raw"] == pytest.approx(SHIFT)
    difference = (
        answer.tables["scenarios"]["imputed_mean"].loc[delta] - answer.tables["scenarios"]["imputed_mean"].loc[0.0]
    )
    assert difference == pytest.approx(SHIFT)


def test_the_answer_tips_before_the_right_delta(dropout):
    _, answer, delta = dropout
    row = answer.tables["tipping"].loc["alliance -> days", "average of intervals of 6", "lower"]
    lower = answer.plot().axes[1]
    curve = next(line for line in lower.get_lines() if len(line.get_xdata()) > 50)
    assert np.interp(row["delta"], *curve.get_data()) == pytest.approx(0.95, abs=0.005)
    assert f"alliance -> days tips at {row['delta']:.2f}" in [text.get_text() for text in lower.texts]
    assert row["sign"] == "positive"
    assert delta < row["latest"] < row["delta"] < row["earliest"] < 0
    assert row["raw"] == pytest.approx(row["delta"] * SHIFT / delta)
    assert list(answer.tables["tipping"].index.unique("toward")) == ["lower"]
    assert f"P(alliance -> days > 0) falls below 0.95 at delta {row['delta']:.2f}" in str(answer)
    assert "missing at random given" not in " ".join(answer.assumptions)
    assert answer.parts[name_of_part(delta)].assumptions == answer.assumptions


def test_errors_hold_what_differs_between_imputations(dropout):
    _, answer, delta = dropout
    draws = answer.parts[name_of_part(delta)].draws["effect"].isel(path=0, length=0, drop=True)
    shares = (draws > 0).groupby("imputation").mean(("chain", "draw"))
    row = answer.table.loc[delta, "alliance -> days", "average of intervals of 6"]
    assert row["p_positive"] == pytest.approx(float(shares.mean()))
    assert row["p_positive_mcse"] == pytest.approx(float(shares.std(ddof=1)) / 3)
    means, within = (
        draws.groupby("imputation").mean(("chain", "draw")),
        draws.groupby("imputation").var(("chain", "draw"), ddof=1),
    )
    between = (1 + 1 / 9) * float(means.var(ddof=1))
    assert row["between_share"] == pytest.approx(between / (between + float(within.mean())))
    assert (
        f"with 9 of them probabilities are rough; ask for imputations={10 * np.ceil(10 * share_of(answer)):.0f}"
        in str(answer)
    )


def share_of(answer):
    return answer.table["between_share"].max()


def test_of_one_chain_per_imputation_the_error_is_that_of_independent_shares():
    draws = xr.DataArray(np.arange(8.0).reshape(4, 2), dims=("chain", "draw"))
    found = probability(indicator(draws > 4.5, draws).assign_coords(imputation=("chain", [0, 0, 1, 1])))
    assert (found.value, found.mcse) == (0.375, pytest.approx(np.std([0, 0.75], ddof=1) / np.sqrt(2)))


def test_the_share_between_imputations_is_rubins():
    draws = xr.DataArray(np.random.default_rng(2).normal(size=(6, 40)), dims=("chain", "draw"))
    draws += np.array([0.0, 0.0, 0.5, 0.5, 2.0, 2.0])[:, None]
    parts = draws.to_numpy().reshape(3, 80)
    between = (1 + 1 / 3) * parts.mean(axis=1).var(ddof=1)
    share = between / (between + parts.var(axis=1, ddof=1).mean())
    found = module.between_share(draws.assign_coords(imputation=("chain", [0, 0, 1, 1, 2, 2])))
    assert found == pytest.approx(share)


# ---- which values are shifted ----


@pytest.fixture(scope="module")
def kinds_of_absence():
    """People with every kind of absence, and a quick fit of them."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(80, 1, 2)) + rng.normal(size=(80, 3, 2))
    state, seen = np.ones((80, 3)), np.ones((80, 3), dtype=bool)
    values[:10, 1, 0] = np.nan  # unanswered
    values[5:20, 2, 1] = np.nan
    state[20:30, 0], values[20:30, 0, 0] = 0, np.nan  # no alliance
    state[30:35, 1], values[30:35, 1, 0] = np.nan, np.nan  # not known whether there is one
    seen[40:50, 2] = False
    seen[79] = False
    values[~seen], state[~seen] = np.nan, np.nan
    panel = ab.Panel.from_arrays(
        values * [0.9, 8] + [4, 20],
        measures=NAMES,
        times=[0, 6, 12],
        requires={"alliance": "doctor"},
        states={"doctor": state},
        interviewed=seen,
    )
    spec = replace(SPEC, nonexistent="as_missing")
    return ab.fit(spec, panel, seed=1, draws=60, tune=200, chains=2)


@pytest.fixture
def watched(kinds_of_absence, monkeypatch):
    """Asks of the fit, with refits that are the fit itself, and gives the answer and the completed panels."""
    fit = kinds_of_absence

    def ask(**options):
        panels = []

        def sampled(whole, settings):
            panels.append((whole.panel, settings))
            return fit.sample

        monkeypatch.setattr(shifted_panels, "sample_posterior", sampled)
        chosen = {"measure": "alliance", "deltas": [-0.5, 1], "imputations": 2, "draws": 60} | options
        return ab.delta_adjustment(fit, *NAMES, **chosen), panels

    return ask


@pytest.mark.parametrize(
    ("measure", "absences", "n_shifted"),
    [
        ("alliance", ["item_missing"], 10),
        ("alliance", ["wave_missing"], 10),
        ("alliance", ["unknown"], 5),
        ("alliance", ["item_missing", "wave_missing"], 20),
        ("alliance", ["item_missing", "wave_missing", "unknown"], 25),
        ("days", ["item_missing"], 15),
        ("days", ["wave_missing"], 10),
    ],
)
def test_only_the_chosen_kinds_are_shifted(watched, kinds_of_absence, measure, absences, n_shifted):
    answer, panels = watched(measure=measure, absences=absences)
    assert len(panels) == 2 * 3
    original, place = kinds_of_absence.panel, NAMES.index(measure)
    wanted = np.zeros(original.values.shape, dtype=bool)
    wanted[:, :, place] = np.isin(original.absence[:, :, place], [ABSENCE[name.upper()] for name in absences])
    wanted[79] = False
    assert wanted.sum() == n_shifted == answer.tables["values"].loc["shifted", "count"]
    filled = np.isin(original.absence, [ABSENCE.ITEM_MISSING, ABSENCE.UNKNOWN, ABSENCE.WAVE_MISSING])
    filled[79] = False
    assert answer.tables["values"]["count"].to_dict() == {
        "shifted": n_shifted,
        "imputed": filled.sum() - n_shifted,
        "left": 10 + 6,  # no alliance, and the person never seen
    }
    scale = kinds_of_absence.model.statistics.scale[place]
    for first in (0, 3):
        (base, _), (lower, _), (higher, _) = panels[first : first + 3]
        for panel, delta in ((base, 0), (lower, -0.5), (higher, 1)):
            np.testing.assert_allclose(panel.values - base.values, delta * scale * wanted + 0 * base.values, atol=1e-9)
            observed = original.absence == ABSENCE.OBSERVED
            np.testing.assert_array_equal(panel.values[observed], original.values[observed])
            np.testing.assert_array_equal(np.isnan(panel.values), ~(observed | filled))
            np.testing.assert_array_equal(panel.absence, np.where(filled, ABSENCE.OBSERVED, original.absence))
    assert not np.allclose(panels[0][0].values[filled], panels[3][0].values[filled])
    shifted_mean = np.mean([panels[place][0].values[wanted].mean() for place in (1, 4)])
    assert answer.tables["scenarios"].loc[-0.5, "imputed_mean"] == pytest.approx(shifted_mean)


def test_what_does_not_exist_is_said_to_stay_out(watched):
    found = "\n".join(watched(measure="alliance", deltas=[-1])[0].assumptions)
    assert "Values of 'alliance' that do not exist because a state is off are not missing: they are neither" in found
    assert "Where 'doctor' is not known, it is not known whether 'alliance' existed; it is imputed and shifted" in found
    assert "Without any value, and excluded as in the fit: one person." in found
    unanswered = "\n".join(watched(measure="alliance", deltas=[-1], absences=["item_missing"])[0].assumptions)
    assert "missing values of 'alliance' of unanswered questions are distributed" in unanswered
    assert "not known whether" not in unanswered


def test_seeds_differ_between_imputations_alone(watched):
    _, panels = watched(seed=9, deltas=[-1])
    seeds = [settings.seed for _, settings in panels]
    assert len(set(seeds[:2])) == len(set(seeds[2:])) == 1
    assert seeds[0] != seeds[2]
    _, again = watched(seed=9, deltas=[-1])
    _, other = watched(seed=10, deltas=[-1])
    np.testing.assert_array_equal(panels[3][0].values, again[3][0].values)
    assert seeds == [settings.seed for _, settings in again] != [settings.seed for _, settings in other]


def test_imputed_values_have_the_distribution_that_the_model_gives_them(kinds_of_absence):
    """Drawn at one theta many times over, they have the mean and SD of the normal given a person's own values."""
    fit, theta = kinds_of_absence, kinds_of_absence.thetas[17]
    cells = shifted_panels.cells_of(fit, "alliance", ["item_missing"])
    rng = np.random.default_rng(1)
    drawn = np.stack([shifted_panels._imputed(fit, cells, theta, rng)(0.0) for _ in range(1000)])
    values, n = fit.model.values(), fit.model.system.n_values
    registers, _ = run(theta, fit.model.system.structure_arrays)
    mean, covariance = moments(registers, fit.model.system.systems[0].arrays)
    person = 7  # alliance at the second wave and days at the third are absent
    absent = np.isnan(values[person, :n])
    assert cells.imputed[person].ravel().tolist() == absent.tolist() == [False, False, True, False, False, True]
    slopes = np.linalg.solve(covariance[np.ix_(~absent, ~absent)], covariance[np.ix_(~absent, absent)]).T
    wanted = mean[absent] + slopes @ (values[person, :n][~absent] - mean[~absent])
    left = covariance[np.ix_(absent, absent)] - slopes @ covariance[np.ix_(~absent, absent)]
    scale, centre = (np.tile(part, 3)[absent] for part in (fit.model.statistics.scale, fit.model.statistics.centre))
    found = drawn[:, person].reshape(1000, -1)[:, absent]
    error = scale * np.sqrt(np.diag(left))
    np.testing.assert_array_less(abs(found.mean(axis=0) - wanted * scale - centre), 4 * error / np.sqrt(1000))
    np.testing.assert_allclose(found.std(axis=0), error, rtol=0.09)
    correlation = left[0, 1] / np.sqrt(left[0, 0] * left[1, 1])
    assert np.corrcoef(found.T)[0, 1] == pytest.approx(correlation, abs=0.12)


def test_an_unhealthy_fit_or_refit_makes_an_unhealthy_answer(watched, kinds_of_absence):
    """Both kinds of problems are kept, those of the fit that values were imputed from first."""
    fit = kinds_of_absence
    own = [f"The fit that values were imputed from: {problem}" for problem in fit.health.problems]
    assert own
    answer, _ = watched(measure="days", deltas=[-1.0])
    problems = list(answer.parts["delta -1"].health.problems)
    assert problems[: len(own)] == own
    assert any(problem.startswith("Too few effective draws") for problem in problems[len(own) :])
    assert answer.tables["scenarios"]["verdict"].to_dict() == {0.0: "undecided", -1.0: "undecided"}
    assert answer.verdict == "undecided, at every delta"


# ---- interruptions ----


@pytest.mark.parametrize("silent", [True, False])
def test_an_interruption_leaves_the_imputations_that_are_done(kinds_of_absence, monkeypatch, silent):
    fit, calls = kinds_of_absence, []
    short = fit.with_draws(xr.DataTree.from_dict({"/posterior": fit.posterior.isel(draw=slice(7))}))

    def sampled(whole, settings):
        calls.append(whole)
        if len(calls) <= stop:
            return fit.sample
        if silent:
            return short.sample
        raise KeyboardInterrupt

    monkeypatch.setattr(shifted_panels, "sample_posterior", sampled)
    options = {"measure": "days", "deltas": [-0.5], "imputations": 9, "draws": 60}
    stop = 7
    answer = ab.delta_adjustment(fit, *NAMES, **options)
    assert len(calls) == 8
    assert answer.interrupted == "Interrupted after 3 of 9 imputations, which were done at every delta."
    assert "3 imputations" in answer.heading
    assert list(answer.parts) == ["as fitted", "delta 0", "delta -0.5"]
    calls.clear()
    stop = 3
    with pytest.raises(KeyboardInterrupt):
        ab.delta_adjustment(fit, *NAMES, **options)


# ---- tipping points ----


def probabilities(**by_path):
    """A table whose probabilities of a positive effect are these at the deltas 0, -1, -2, 1."""
    rows = {
        (delta, path.replace("_", " -> "), "all"): {
            "mean": 0.1 * norm.ppf(np.clip(chance, 0.01, 0.99)),
            "sd": 0.1,
            "p_positive": chance,
            "p_positive_mcse": 0.004,
            "between_share": 0.1,
        }
        for path, chances in by_path.items()
        for delta, chance in zip((0.0, -1.0, -2.0, 1.0), chances, strict=True)
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["delta", "path", "over"])
    return table


N_DRAWS = 10_000


def test_tipping_points_are_interpolated_on_the_normal_scale():
    table = probabilities(x_y=(0.975, 0.96, 0.9, 0.99), y_x=(0.01, 0.04, 0.06, 0.3))
    tipping = module.tipping_points(table, 0.95, 2.0, N_DRAWS)
    lower = tipping.loc["x -> y", "all", "lower"]
    # quantiles of .96, .95 and .9 are 1.7507, 1.6449 and 1.2816
    assert lower["delta"] == pytest.approx(-1 - (1.7507 - 1.6449) / (1.7507 - 1.2816), abs=1e-3)
    assert lower["raw"] == pytest.approx(2 * lower["delta"])
    assert lower["latest"] < lower["delta"] < lower["earliest"] < 0
    assert np.isnan(tipping.loc["x -> y", "all", "higher"]["delta"])
    negative = tipping.loc["y -> x", "all", "lower"]
    assert negative["sign"] == "negative"
    assert -2 < negative["delta"] < -1
    assert 0 < tipping.loc["y -> x", "all", "higher"]["delta"] < 1

    verdicts = pd.Series(["both", "both", "undecided", "x leads"], index=[0.0, -1.0, -2.0, 1.0])
    assert verdicts_in_words(verdicts) == "both at delta 0 and -1; undecided at delta -2; x leads at delta 1"
    sentences = list(module.tipping_sentences(table, tipping, 0.95, N_DRAWS))
    assert sentences[0].startswith("P(x -> y > 0) falls below 0.95 at delta -1.23, -2.45 in the measure's unit (two")
    assert sentences[1] == (
        "P(x -> y > 0) stays at 0.95 or above for every delta from 0 to 1: no tipping point within the range."
    )
    assert sentences[2].startswith("P(y -> x < 0) falls below 0.95 at delta -1.5")


@pytest.mark.parametrize(
    ("p_positive", "sign"),
    [(0.95, "positive"), (0.95 - 1e-9, "uncertain"), (0.0625, "uncertain"), (0.0, "negative")],
)
def test_a_sign_is_as_certain_as_asked_or_uncertain(p_positive, sign):
    assert module._sign(p_positive, 0.95) == sign
    assert module._sign(0.0625, 0.9375) == "negative"
    assert module._sign(0.0625 + 1e-9, 0.9375) == "uncertain"


@pytest.mark.parametrize("sign", [1, -1])
def test_tipping_points_are_the_same_for_either_sign(sign):
    """Where a share of .96 at 0 and .9 at -1 falls below .95 on the normal scale, also two errors to either side."""
    chances = np.array([0.96, 0.9, 0.9, 0.96])
    table = probabilities(x_y=chances if sign > 0 else 1 - chances, y_x=(0.5,) * 4)
    tip = module.tipping_points(table, 0.95, 2.0, N_DRAWS).loc["x -> y", "all", "lower"]
    assert tip["sign"] == {1: "positive", -1: "negative"}[sign]

    def crossing(errors):
        before, after, limit = norm.ppf([0.96 + errors * 0.004, 0.9 + errors * 0.004, 0.95])
        return -(before - limit) / (before - after)

    assert tip["delta"] == pytest.approx(crossing(0))
    assert tip["earliest"] == pytest.approx(crossing(-2))
    assert tip["latest"] == pytest.approx(crossing(2))
    assert tip["raw"] == pytest.approx(2 * crossing(0))


def test_exactly_the_certainty_has_not_tipped():
    quantiles = pd.Series([norm.ppf(0.99), norm.ppf(0.95), norm.ppf(0.9)], index=[0.0, -1.0, -2.0])
    assert module._first_below(quantiles, 0.95) == -1
    assert np.isnan(module._first_below(quantiles.iloc[:2], 0.95))
    assert module._first_below(quantiles.iloc[1:], 0.95) == -1


def test_ten_draws_on_one_side_are_not_few():
    """With fewer the quantile is the mean in SDs; the table's mean is 0 here, so that the two are told apart."""
    table = probabilities(x_y=(0.999, 0.9991, 0.001, 0.0009), y_x=(0.5,) * 4).assign(mean=0.0, p_positive_mcse=0.0)
    found = module._quantiles(table.xs("x -> y", level="path"), 0, 10_000).to_numpy()
    assert found == pytest.approx([norm.ppf(0.999), 0, norm.ppf(0.001), 0])


def test_imputations_are_too_few_for_a_hundred_times_the_share_between():
    assert _too_few_imputations(0.1, 10) == ()
    (said,) = _too_few_imputations(0.1, 9)
    assert said.endswith("with 9 of them probabilities are rough; ask for imputations=10 or more.")


def test_an_uncertain_sign_has_no_tipping_point():
    table = probabilities(x_y=(0.6, 0.7, 0.97, 0.5), y_x=(0.5, 0.5, 0.5, 0.5))
    tipping = module.tipping_points(table, 0.95, 1.0, N_DRAWS)
    assert (tipping["sign"] == "uncertain").all()
    assert tipping["delta"].isna().all()
    assert tuple(module.tipping_sentences(table, tipping, 0.95, N_DRAWS)) == (
        "The sign of x -> y is uncertain at delta 0 (P(effect > 0) = 0.600), but not at delta -2, where it is "
        "positive.",
        "The sign of x -> y is uncertain at delta 0 (P(effect > 0) = 0.600) and at every delta with higher values.",
        "The sign of y -> x is uncertain at delta 0 (P(effect > 0) = 0.500) and at every delta with lower values.",
        "The sign of y -> x is uncertain at delta 0 (P(effect > 0) = 0.500) and at every delta with higher values.",
    )


def test_where_draws_agree_the_mean_in_sds_is_interpolated():
    table = probabilities(x_y=(1.0, 0.5, 0.5, 1.0), y_x=(0.5, 0.5, 0.5, 0.5))
    table.loc[(0.0, "x -> y", "all"), ["mean", "p_positive_mcse"]] = 0.6, 0.0
    table.loc[(1.0, "x -> y", "all"), ["mean", "p_positive_mcse"]] = 0.2, 0.0
    tipping = module.tipping_points(table, 0.95, 1.0, N_DRAWS)
    assert tipping.loc[("x -> y", "all", "lower"), "delta"] == pytest.approx(-(0.6 - 0.16449) / 0.6, abs=1e-4)
    assert np.isnan(tipping.loc[("x -> y", "all", "higher"), "delta"])
    quantiles = pd.Series([1.2, 0.3], index=[0.0, -1.0])
    assert module._first_below(quantiles, 0.95) == 0


# ---- text and figure ----


def test_text_and_figure(watched):
    answer, _ = watched(measure="days", deltas=[-1.0, 0, 0.5])
    assert list(answer.table.index.unique("delta")) == [0.0, -1.0, 0.5]
    head, second, *lines = str(answer).splitlines()
    assert head == (
        "Lagged effects, SD per SD, if 25 missing values of days (10 wave missing and 15 item missing) deviate by "
        "delta SDs from the prediction under missing at random; 79 people, 3 waves, 2 imputations"
    )
    assert second.startswith("1 SD of days is ")
    assert second.endswith("25 other missing values are imputed without a shift.")
    assert [line.split()[0] for line in lines[1:5]] == ["as", "0", "-1", "0.5"]
    assert any(line.startswith("Sampling: PROBLEMS: delta 0: ") for line in lines)  # sixty draws
    upper, lower = answer.plot().axes
    assert lower.get_xlabel() == (
        "delta: missing values of days deviate by so many SDs from the prediction under missing at random"
    )
    assert [text.get_text().split(",")[0] for text in upper.get_legend().get_texts()] == [
        "alliance -> days",
        "days -> alliance",
    ]
    curves = [line for line in upper.get_lines() if len(line.get_xdata()) == 3]
    assert [list(curve.get_xdata()) for curve in curves] == [[-1.0, 0.0, 0.5]] * 2


# ---- what cannot be asked ----


def unsampled(spec, panel):
    return made_fit(spec, panel, xr.DataTree(), Settings(100, 1, 2, 1, 0.8, 1, "nutpie", 0, 0))


def test_all_that_is_wrong_is_said_at_once(kinds_of_absence):
    with pytest.raises(ab.SpecError) as caught:
        ab.delta_adjustment(
            kinds_of_absence,
            "alliance",
            "day",
            measure="aliance",
            deltas=[0, np.inf],
            absences=["not_applicable"],
            imputations=1,
            margin=2,
            certainty=0.4,
            seed=-1,
            draws=0,
        )
    assert str(caught.value) == (
        "This delta adjustment cannot be computed. 9 problems:\n"
        "  1. The model has no measure 'day'; did you mean 'days'? Measures: 'alliance', 'days'.\n"
        "  2. The model has no measure 'aliance'; did you mean 'alliance'? Measures: 'alliance', 'days'.\n"
        "  3. deltas must be a list of finite numbers, in SDs of the measure; got [0, inf].\n"
        "  4. absences must be a list of some of 'wave_missing', 'item_missing', 'unknown'; got ['not_applicable'].\n"
        "  5. imputations must be a whole number of 2 or more; got 1.\n"
        "  6. margin must lie between 0 and 1, in SD per SD; got 2.\n"
        "  7. certainty must lie between 0.5 and 1; got 0.4.\n"
        "  8. draws must be a whole number above 0; got 0.\n"
        "  9. seed must be a whole number of 0 or more; got -1."
    )


@pytest.mark.parametrize("deltas", [[0], [], [-1, -1.0]])
def test_deltas_that_are_none(kinds_of_absence, deltas):
    with pytest.raises(ab.SpecError, match="deltas must be different numbers, one of them not 0; got"):
        ab.delta_adjustment(kinds_of_absence, *NAMES, measure="days", deltas=deltas)


def test_where_nothing_would_be_shifted(kinds_of_absence):
    with pytest.raises(ab.SpecError) as caught:
        ab.delta_adjustment(kinds_of_absence, *NAMES, measure="days", absences=["unknown"])
    assert str(caught.value) == (
        "This delta adjustment cannot be computed. 1 problem:\n"
        "  1. No value of 'days' is absent as 'unknown', so there is nothing to shift. Absent are: "
        "13 'wave_missing', 15 'item_missing'."
    )


def test_moments_groups_and_imputed_panels_are_refused(kinds_of_absence):
    moments = ab.Panel.from_moments(measures=NAMES, times=[0, 6, 12], n=90, means=[0] * 6, covariance=np.eye(6))
    with pytest.raises(ab.PanelError, match="A delta adjustment needs each person's values, and this panel was made"):
        ab.delta_adjustment(unsampled(SPEC, moments), *NAMES, measure="days")

    values = np.random.default_rng(1).normal(size=(60, 3, 2))
    values[3, 2] = np.nan
    grouped = ab.Panel.from_arrays(values, measures=NAMES, times=[0, 6, 12], groups=["a"] * 30 + ["b"] * 30)
    fit = unsampled(replace(SPEC, group_lags="free"), grouped)
    with pytest.raises(ab.SpecError, match="This fit is of several groups"):
        ab.delta_adjustment(fit, *NAMES, measure="days")
    part = replace(unsampled(SPEC, grouped.of_group("a")), source=Source(group_of=("a", "b")))
    with pytest.raises(ab.SpecError, match="This fit is of several groups"):
        ab.delta_adjustment(part, *NAMES, measure="days")

    one = kinds_of_absence
    several = replace(one, source=Source(n_panels=2), fits=(one, one))
    with pytest.raises(ab.SpecError, match="This fit is of 2 imputed panels, whose missing values were imputed"):
        ab.delta_adjustment(several, *NAMES, measure="days")

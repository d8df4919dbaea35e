"""Exact relations between measures: found with missing values, in moments, at one wave; not for want of people."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.model_on_panel import panel_model
from alliance_bayes.moments.dependence import exact_relations
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
        "variation of its own. Leave one of them out."
    )


@pytest.mark.parametrize("residuals", ["free", "equal"])
def test_at_one_wave_a_relation_counts_where_its_innovations_have_a_variance_of_their_own(residuals):
    array = values()
    array[:, 2, 2] = array[:, 2, 0]
    spec = ab.RICLPM(["x", "y", "z"], lags="free", residuals=residuals)
    if residuals == "equal":
        panel_model(spec, panel(array))
        return
    with pytest.raises(ab.SpecError, match="'z' is the same as 'x' at time 2, so that it has no variation of its own"):
        panel_model(spec, panel(array))


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
            ab.SpecError, match=r"2 people have values of this model\. How 2 measures go together cannot"
        ):
            panel_model(spec, people)
        return
    model = panel_model(spec, people)
    wanted = f"{n} people for {model.system.n_parameters} parameters: much of the answer is the prior"
    assert any(note.startswith(wanted) for note in model.notes) == (n == 3)

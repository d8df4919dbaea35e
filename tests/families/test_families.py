"""Families print, compare, go to a model file and back, and refuse what cannot be meant."""

import subprocess
import sys
from math import log

import numpy as np
import pytest
from scipy.stats import dirichlet

from alliance_bayes.basics.distributions import LogNormal, Normal
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.families.beta_binomial import BetaBinomial
from alliance_bayes.families.count import Count
from alliance_bayes.families.cut_points import InducedDirichlet
from alliance_bayes.families.days import Days
from alliance_bayes.families.family import FamilyParameter
from alliance_bayes.families.items import Items
from alliance_bayes.families.normal import Gaussian
from alliance_bayes.families.ordinal import Ordinal
from alliance_bayes.families.proportion import Proportion
from alliance_bayes.families.registry import family_from_mapping, family_to_mapping
from alliance_bayes.families.yes_no import YesNo

OR_A_NAME = "one for each wave, or the name of a measure that holds it"
EVERY = [
    Gaussian(),
    Days(30),
    Days("window", link="probit", precision=LogNormal(1.0, 0.5)),
    Days([30, 90, 90]),
    BetaBinomial(6),
    Count((1.5, 2)),
    Count(),
    Count("weeks", hurdle=True, any_intercept=Normal(1.0, 1.0)),
    Proportion(link="probit", cuts=InducedDirichlet(2.0), intercept=Normal(0.0, 1.0)),
    YesNo(slope=LogNormal(0.5, 0.25)),
    Ordinal(5, lowest=0, cuts=InducedDirichlet(2.0)),
    Items(["A1", "A2", "A3"], 6),
]


@pytest.mark.parametrize("family", EVERY, ids=str)
def test_a_family_goes_to_a_mapping_and_back(family):
    assert family_from_mapping("measure", family_to_mapping(family)) == family
    assert hash(family) == hash(family_from_mapping("measure", family_to_mapping(family)))


def test_numbers_of_numpy_and_one_for_each_wave_are_kept_plain():
    assert Days(np.int64(30)) == Days(30)
    assert Days(np.array([30, 90])).window == (30, 90)
    assert Count(np.float32(1.5)).exposure == 1.5
    assert Count([1, 2.5]).exposure == (1, 2.5)
    assert Ordinal(np.int8(5), lowest=np.int64(0)) == Ordinal(5, lowest=0)
    kept = (Days(np.int64(30)).window, *Count(np.array([1, 2])).exposure, Items(["A", "B"], np.int64(4)).categories)
    assert {type(each) for each in kept} == {int}


def test_a_word_alone_is_a_family_without_options():
    assert family_from_mapping("visits", "count") == Count()


def test_parameters_stand_in_the_order_of_phi():
    assert [each.name for each in Days(30).parameters] == [
        "share 1", "share 2", "slope", "intercept", "interior_slope", "precision",
    ]  # fmt: skip
    assert Days(30).parameters[5] == FamilyParameter("precision", LogNormal(log(5), 1.0))
    assert [each.name for each in Count(hurdle=True).parameters][3:] == ["any_intercept", "any_slope"]
    items = Items(["A1", "A2"], 3)
    assert [each.name for each in items.parameters] == [
        "loading A1", "share 1 A1", "share 2 A1", "loading A2", "share 1 A2", "share 2 A2",
    ]  # fmt: skip
    assert items.densities == ("ordinal_probit", "ordinal_probit")
    assert Gaussian().densities == Gaussian().parameters == ()


@pytest.mark.parametrize(("concentration", "n_categories"), [(1.0, 3), (2.5, 5)])
def test_shares_make_the_categories_dirichlet(concentration, n_categories):
    """Mean and variance of each category's probability, from the moments of independent shares."""
    shares = InducedDirichlet(concentration).shares(n_categories)
    alpha, beta = (np.array([getattr(share, name) for share in shares]) for name in ("alpha", "beta"))
    first = np.append(alpha / (alpha + beta), 1.0)
    second = np.append(alpha * (alpha + 1) / (alpha + beta) / (alpha + beta + 1), 1.0)
    rest = beta / (alpha + beta)
    rest_2 = beta * (beta + 1) / (alpha + beta) / (alpha + beta + 1)
    mean = first * np.cumprod(np.append(1.0, rest))
    square = second * np.cumprod(np.append(1.0, rest_2))
    want = dirichlet(np.full(n_categories, concentration))
    np.testing.assert_allclose(mean, want.mean(), rtol=1e-12)
    np.testing.assert_allclose(square - mean**2, want.var(), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Days(1), f"window must be a whole number of days, 2 or more, {OR_A_NAME}; got 1."),
        (lambda: BetaBinomial(0), f"trials must be a whole number, 1 or more, {OR_A_NAME}; got 0."),
        (lambda: Count(0.0), f"exposure must be a number above 0, {OR_A_NAME}; got 0.0."),
        (lambda: Days([30, 1]), f"window must be a whole number of days, 2 or more, {OR_A_NAME}; got [30, 1]."),
        (lambda: Days(()), f"window must be a whole number of days, 2 or more, {OR_A_NAME}; got ()."),
        (lambda: BetaBinomial(True), f"trials must be a whole number, 1 or more, {OR_A_NAME}; got True."),
        (lambda: Ordinal(1), "categories must be a whole number from 2 to 20; got 1."),
        (lambda: Items(["A"], 5), "items must be a list of 2 or more different names; got ['A']."),
        (lambda: Days(30, link="cauchit"), "link must be one of 'logit', 'probit'; got 'cauchit'."),
        (lambda: YesNo(slope=Normal(0, 1)), "'slope' needs a prior of family LogNormal; got Normal(0, 1)."),
        (lambda: Days(30, cuts=Normal(0, 1)), "'cuts' needs InducedDirichlet(a) with a above 0; got Normal(0, 1)."),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(make, problem):
    with pytest.raises(SpecError) as caught:
        make()
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize(
    ("mapping", "problems"),
    [
        ("poisson", [
            "No family is called 'poisson'. "
            "Families: 'normal', 'days', 'beta_binomial', 'count', 'proportion', 'yes_no', 'ordinal', 'items'."
        ]),
        ({"family": "days", "windows": 30}, [
            "No option is called 'windows'; did you mean 'window'? "
            "Options: 'window', 'link', 'cuts', 'slope', 'intercept', 'interior_slope', 'precision'.",
            "window is missing.",
        ]),
        ({"family": "ordinal", "categories": 4, "cuts": {"normal": [0, 1]}}, [
            "'cuts' must be { induced_dirichlet = a } with a number a above 0; got {'normal': [0, 1]}.",
        ]),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_read_says_why(mapping, problems):
    with pytest.raises(SpecError) as caught:
        family_from_mapping("visits", mapping)
    assert list(caught.value.problems) == problems


def test_describing_a_model_compiles_nothing():
    program = (
        "import sys, alliance_bayes as ab\n"
        "ab.RICLPM(['x', 'y'], families={'y': ab.Count()})\n"
        "print(sorted({'numba', 'llvmlite', 'pytensor', 'pymc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""States and selections: what they hold, print, and become in a mapping."""

import pytest

import alliance_bayes as ab
from alliance_bayes.basics.distributions import options_to_mapping
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.spec.occurrence import occurrence_from_mapping

SPONSOR = ab.State(
    "sponsor",
    required_by=["alliance", "contact"],
    first=["commitment"],
    acquire=["days", "commitment"],
    keep=["alliance"],
    acts_on=["days"],
    same=0.8,
    slope=ab.Normal(0, 1),
)
STATES = [SPONSOR, ab.State("sponsor"), ab.State("drinking", acts_on=("days",), effect=ab.Normal(-1, 0.25))]
SELECTIONS = [
    ab.Selection("interview", ["days"], ["days", "alliance"], effect=ab.Normal(0.5, 0.25)),
    ab.Selection("alliance", before=["alliance"], slope=ab.Normal(0, 1), intercept=ab.Normal(1, 1)),
    ab.Selection("interview"),
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_goes_to_a_mapping_and_back(state):
    assert occurrence_from_mapping(ab.State, options_to_mapping(state)) == state
    assert hash(occurrence_from_mapping(ab.State, options_to_mapping(state))) == hash(state)


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_a_selection_goes_to_a_mapping_and_back(selection):
    assert occurrence_from_mapping(ab.Selection, options_to_mapping(selection)) == selection
    assert hash(occurrence_from_mapping(ab.Selection, options_to_mapping(selection))) == hash(selection)


def test_names_are_kept_in_order_and_told_once():
    assert SPONSOR.required_by == ("alliance", "contact")
    assert SPONSOR.predictors == ("commitment", "days", "alliance")
    assert ab.State("sponsor", same=1).same == 1.0
    assert SPONSOR.priors == {"intercept": ab.Normal(0, 1.5), "slope": ab.Normal(0, 1), "effect": ab.Normal(0, 0.5)}
    assert list(ab.State("sponsor").priors) == ["intercept"]
    assert [list(each.priors) for each in SELECTIONS] == [
        ["effect", "slope", "intercept"],
        ["slope", "intercept"],
        ["intercept"],
    ]


def test_printed():
    assert str(SPONSOR) == (
        "state sponsor, required by alliance and contact, at first by commitment, acquired by days and commitment, "
        "kept by alliance, acts on days, the same one with probability 0.8 where kept"
    )
    assert [str(each) for each in SELECTIONS] == [
        "selection of interviews by days, effect Normal(0.5, 0.25), and by days and alliance one wave before",
        "selection of answers to alliance by alliance one wave before",
        "selection of interviews",
    ]


NAMES = "must be a list of names, such as ['alliance']; got"


@pytest.mark.parametrize(
    ("make", "problems"),
    [
        (lambda: ab.State(""), ["A state needs a name; got ''."]),
        (
            lambda: ab.State("sponsor", keep="alliance", acquire=[3], first=["c", "c"], slope=ab.Normal(0, -1)),
            [
                "first names 'c' twice.",
                f"acquire {NAMES} [3].",
                f"keep {NAMES} 'alliance'.",
                "'slope' = Normal(0, -1): its sd must be above 0.",
            ],
        ),
        (
            lambda: ab.State("sponsor", ["alliance"], same=0),
            ["same must be a probability above 0, at most 1; got 0."],
        ),
        (
            lambda: ab.State("sponsor", same=0.8),
            [
                "same=0.8 says how often what requires the state restarts, and nothing does. Name the measures in "
                "required_by, or leave same out."
            ],
        ),
        (
            lambda: ab.Selection("interview", on=["days"]),
            [
                "on=['days'] needs effect=ab.Normal(mean, sd), log odds per SD: the data do not identify the "
                "effect of unobserved values, so the prior decides."
            ],
        ),
        (
            lambda: ab.Selection("interview", effect=ab.Normal(0, 1)),
            ["effect=Normal(0, 1) is the prior of what `on` names, and it names nothing."],
        ),
        (
            lambda: ab.Selection(3, ["days"], effect=ab.HalfNormal(1)),
            [
                "of must be 'interview' or the name of a measure; got 3.",
                "'effect' needs a prior of family Normal; got HalfNormal(1).",
            ],
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, problems):
    with pytest.raises(SpecError) as caught:
        make()
    assert list(caught.value.problems) == problems


@pytest.mark.parametrize(
    ("kind", "mapping", "problems"),
    [
        (
            ab.State,
            "sponsor",
            ["A state must be a table with the key 'name'; got 'sponsor'."],
        ),
        (
            ab.State,
            {"keeps": ["alliance"], "slope": {"cauchy": 1}},
            [
                "No option is called 'keeps'; did you mean 'keep'? Options: 'name', 'required_by', 'first', 'acquire', "
                "'keep', 'acts_on', 'same', 'intercept', 'slope', 'effect'.",
                "'slope': no family is called 'cauchy'. "
                "Families: 'normal', 'half_normal', 'log_normal', 'beta', 'lkj'.",
                "name is missing.",
            ],
        ),
        (ab.Selection, {"on": ["days"]}, ["of is missing."]),
    ],
)
def test_a_mapping_that_cannot_be_read_says_why(kind, mapping, problems):
    with pytest.raises(SpecError) as caught:
        occurrence_from_mapping(kind, mapping)
    assert list(caught.value.problems) == problems

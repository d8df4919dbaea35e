"""Priors print, compare, go into a model file and back, and refuse what is implausible."""

import numpy as np
import pytest

from alliance_bayes.basics.distributions import DISTRIBUTIONS, LKJ, Beta, HalfNormal, LogNormal, Normal
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.spec.priors import Priors

OTHER = Priors(
    carry_over=Normal(0.2, 0.5),
    cross_lagged=Normal(0.05, 0.1),
    total_sd=LogNormal(0.0, 0.5),
    icc=Beta(1, 3),
    innovation_ratio=LogNormal(-0.5, 1),
    between_correlation=LKJ(1),
    within_correlation=LKJ(4),
    innovation_correlation=LKJ(0.5),
    mean=Normal(0, 2),
)


def refusal(make):
    with pytest.raises(SpecError) as caught:
        make()
    return str(caught.value)


def test_printed():
    assert str(Priors()) == (
        "carry_over              Normal(0.4, 0.25)\n"
        "cross_lagged            Normal(0, 0.2)\n"
        "total_sd                HalfNormal(1)\n"
        "icc                     Beta(2, 2)\n"
        "innovation_ratio        LogNormal(0, 0.2)\n"
        "interval_spread         HalfNormal(0.1)\n"
        "restart_sd              LogNormal(0, 0.5)\n"
        "between_correlation     LKJ(2)\n"
        "within_correlation      LKJ(2)\n"
        "innovation_correlation  LKJ(2)\n"
        "mean                    Normal(0, 1)\n"
        "decay                   LogNormal(-0.1053605157, 0.6)\n"
        "cross_drift             Normal(0, 0.53)\n"
        "error_share             Beta(2, 3)\n"
        "accumulating_sd         HalfNormal(0.5)\n"
        "slope_sd                HalfNormal(0.5)\n"
        "trait_loading           LogNormal(0, 0.3)\n"
        "moderation              Normal(0, 0.1)\n"
        "covariate               Normal(0, 0.5)\n"
        "group_spread            HalfNormal(0.1)\n"
        "loading                 LogNormal(0, 0.5)\n"
        "unique_sd               HalfNormal(1)\n"
        "loading_difference      Normal(0, 0.1)"
    )
    assert str(LogNormal(-0.25, 1e-3)) == "LogNormal(-0.25, 0.001)"


def test_equality_and_hash():
    assert Priors() == Priors(cross_lagged=Normal(0, 0.2))
    assert hash(Priors()) == hash(Priors(cross_lagged=Normal(0, 0.2)))
    assert Priors() != Priors(cross_lagged=Normal(0, 0.3))
    assert Normal(1, 2) != LogNormal(1, 2)
    assert OTHER in {OTHER, Priors()}


@pytest.mark.parametrize("priors", [Priors(), OTHER])
def test_written_and_read(priors):
    mapping = priors.to_mapping()
    assert Priors.from_mapping(mapping) == priors
    assert Priors.from_mapping({name: mapping[name] for name in ("icc", "mean")}) == Priors(
        icc=priors.icc, mean=priors.mean
    )
    assert all(isinstance(value, dict) and len(value) == 1 for value in mapping.values())


def test_as_a_model_file_writes_them():
    assert OTHER.to_mapping() == {
        "carry_over": {"normal": [0.2, 0.5]},
        "cross_lagged": {"normal": [0.05, 0.1]},
        "total_sd": {"log_normal": [0.0, 0.5]},
        "icc": {"beta": [1.0, 3.0]},
        "innovation_ratio": {"log_normal": [-0.5, 1.0]},
        "interval_spread": {"half_normal": 0.1},
        "restart_sd": {"log_normal": [0.0, 0.5]},
        "between_correlation": {"lkj": 1.0},
        "within_correlation": {"lkj": 4.0},
        "innovation_correlation": {"lkj": 0.5},
        "mean": {"normal": [0.0, 2.0]},
        "decay": {"log_normal": [np.log(0.9), 0.6]},
        "cross_drift": {"normal": [0.0, 0.53]},
        "error_share": {"beta": [2.0, 3.0]},
        "accumulating_sd": {"half_normal": 0.5},
        "slope_sd": {"half_normal": 0.5},
        "trait_loading": {"log_normal": [0.0, 0.3]},
        "moderation": {"normal": [0.0, 0.1]},
        "covariate": {"normal": [0.0, 0.5]},
        "group_spread": {"half_normal": 0.1},
        "loading": {"log_normal": [0.0, 0.5]},
        "unique_sd": {"half_normal": 1.0},
        "loading_difference": {"normal": [0.0, 0.1]},
    }
    assert Priors.from_mapping({"total_sd": {"half_normal": [2]}}) == Priors(total_sd=HalfNormal(2))


def test_numbers_of_numpy_are_numbers():
    assert Priors(icc=Beta(np.int64(2), np.float64(2))) == Priors()
    assert Priors.from_mapping({"icc": {"beta": [np.float32(2), np.int64(2)]}}) == Priors()


def test_scaled():
    assert Priors().scaled(4) == Priors(
        carry_over=Normal(0.4, 1),
        cross_lagged=Normal(0, 0.8),
        total_sd=HalfNormal(4),
        innovation_ratio=LogNormal(0, 0.8),
        interval_spread=HalfNormal(0.4),
        restart_sd=LogNormal(0, 2),
        mean=Normal(0, 4),
        decay=LogNormal(np.log(0.9), 2.4),
        cross_drift=Normal(0, 2.12),
        accumulating_sd=HalfNormal(2),
        slope_sd=HalfNormal(2),
        trait_loading=LogNormal(0, 1.2),
        moderation=Normal(0, 0.4),
        covariate=Normal(0, 2),
        group_spread=HalfNormal(0.4),
        loading=LogNormal(0, 2),
        unique_sd=HalfNormal(4),
        loading_difference=Normal(0, 0.4),
    )
    assert OTHER.scaled(0.5).total_sd == LogNormal(0.0, 0.25)
    assert OTHER.scaled(1) == OTHER
    assert "'carry_over' = Normal(0.4, -0.25): its sd must be above 0." in refusal(lambda: Priors().scaled(-1))


@pytest.mark.parametrize(
    ("eta", "size", "shapes"),
    [
        (2.0, 2, [2.0]),
        (2.0, 3, [2.5, 2.5, 2.0]),
        (1.0, 4, [2.0, 2.0, 1.5, 2.0, 1.5, 1.0]),
        (0.5, 5, [2, 2, 1.5, 2, 1.5, 1, 2, 1.5, 1, 0.5]),
    ],
)
def test_shapes_of_partial_correlations(eta, size, shapes):
    np.testing.assert_array_equal(LKJ(eta).partial_shapes(size), shapes)


def test_families_by_their_word():
    assert {word: family.__name__ for word, family in DISTRIBUTIONS.items()} == {
        "normal": "Normal",
        "half_normal": "HalfNormal",
        "log_normal": "LogNormal",
        "beta": "Beta",
        "lkj": "LKJ",
    }


# ---- refusals ----


def test_everything_wrong_at_once():
    assert refusal(
        lambda: Priors(
            carry_over=Normal(1.2, 0.3),
            cross_lagged=Normal(0, 6),
            total_sd=HalfNormal(-1),
            icc=Normal(0, 1),
            innovation_ratio=LogNormal(9, 1),
            between_correlation=LKJ(float("nan")),
            within_correlation=LKJ(True),
            innovation_correlation=2.0,
            mean=Normal("0", 0),
        )
    ) == (
        "These priors cannot be used. 9 problems:\n"
        "  1. 'carry_over' = Normal(1.2, 0.3): carry-over lies between -1 and 1, and so must its prior mean.\n"
        "  2. 'cross_lagged' = Normal(0, 6) is implausible: its unit is within-person SDs per within-person "
        "SD, where neither the mean nor the SD can usefully exceed 5.\n"
        "  3. 'total_sd' = HalfNormal(-1): its sd must be above 0.\n"
        "  4. 'icc' needs a prior of family Beta; got Normal(0, 1).\n"
        "  5. 'innovation_ratio' = LogNormal(9, 1) is not valid: its mean and SD are those of a logarithm, and "
        "must lie between -5 and 5 and not exceed 3.\n"
        "  6. 'between_correlation': eta of its LKJ prior must be a finite number; got nan.\n"
        "  7. 'within_correlation': eta of its LKJ prior must be a finite number; got True.\n"
        "  8. 'innovation_correlation' needs a prior of family LKJ; got 2.0.\n"
        "  9. 'mean': mean of its Normal prior must be a finite number; got '0'."
    )


@pytest.mark.parametrize(
    ("name", "prior", "message"),
    [
        ("mean", Normal(0, 0), "'mean' = Normal(0, 0): its sd must be above 0."),
        (
            "mean",
            Normal(0, 1000),
            "'mean' = Normal(0, 1000) is implausible: its unit is SDs of the measure, where neither the mean "
            "nor the SD can usefully exceed 100.",
        ),
        (
            "total_sd",
            HalfNormal(51),
            "'total_sd' = HalfNormal(51) is implausible: its unit is SDs of the measure, where an SD above 50 "
            "is of no use.",
        ),
        (
            "innovation_ratio",
            LogNormal(0, 3.5),
            "'innovation_ratio' = LogNormal(0, 3.5) is not valid: its mean and SD are those of a logarithm, and "
            "must lie between -5 and 5 and not exceed 3.",
        ),
        (
            "cross_lagged",
            Normal(-7, 1),
            "'cross_lagged' = Normal(-7, 1) is implausible: its unit is within-person SDs per within-person "
            "SD, where neither the mean nor the SD can usefully exceed 5.",
        ),
        ("icc", Beta(0, 1), "'icc' = Beta(0, 1): its alpha must be above 0."),
        ("icc", Beta(1, np.inf), "'icc': beta of its Beta prior must be a finite number; got inf."),
        ("within_correlation", LKJ(0), "'within_correlation' = LKJ(0): its eta must be above 0."),
        ("total_sd", Normal(1, 1), "'total_sd' needs a prior of family HalfNormal or LogNormal; got Normal(1, 1)."),
        ("cross_lagged", None, "'cross_lagged' needs a prior of family Normal; got None."),
    ],
)
def test_one_prior_that_cannot_be_used(name, prior, message):
    assert refusal(lambda: Priors(**{name: prior})) == f"These priors cannot be used. 1 problem:\n  1. {message}"


def test_a_mapping_that_cannot_be_read():
    assert refusal(
        lambda: Priors.from_mapping(
            {
                "ic": {"beta": [2, 2]},
                "icc": {"bet": [2, 2]},
                "mean": {"normal": [1]},
                "total_sd": {"half_normal": 1, "log_normal": [0, 1]},
                "carry_over": "normal",
                "within_correlation": {"lkj": True},
                "cross_lagged": {"normal": [0, "wide"]},
            }
        )
    ) == (
        "[priors] cannot be read. 7 problems:\n"
        "  1. No prior is called 'ic'; did you mean 'icc'? Priors: 'carry_over', 'cross_lagged', 'total_sd', 'icc', "
        "'innovation_ratio', 'interval_spread', 'restart_sd', 'between_correlation', 'within_correlation', "
        "'innovation_correlation', 'mean', 'decay', 'cross_drift', 'error_share', 'accumulating_sd', 'slope_sd', "
        "'trait_loading', 'moderation', 'covariate', 'group_spread', 'loading', 'unique_sd', 'loading_difference'.\n"
        "  2. 'icc': no family is called 'bet'; did you mean 'beta'? Families: 'normal', 'half_normal', 'log_normal', "
        "'beta', 'lkj'.\n"
        "  3. 'mean': normal needs 2 number(s) (mean, sd); got [1].\n"
        "  4. 'total_sd' must be one family with its numbers, such as { normal = [0.0, 0.15] }; got "
        "{'half_normal': 1, 'log_normal': [0, 1]}.\n"
        "  5. 'carry_over' must be one family with its numbers, such as { normal = [0.0, 0.15] }; got normal.\n"
        "  6. 'within_correlation': lkj needs 1 number(s) (eta); got True.\n"
        "  7. 'cross_lagged': normal needs 2 number(s) (mean, sd); got [0, 'wide']."
    )


@pytest.mark.parametrize("value", [3, [1], "icc"])
def test_what_is_no_table(value):
    assert refusal(lambda: Priors.from_mapping(value)) == (
        f"[priors] must be a table, such as icc = {{ beta = [2.0, 2.0] }}; got {value!r}."
    )


def test_a_family_that_does_not_fit_its_parameter():
    assert refusal(lambda: Priors.from_mapping({"icc": {"normal": [0, 1]}})) == (
        "These priors cannot be used. 1 problem:\n  1. 'icc' needs a prior of family Beta; got Normal(0, 1)."
    )

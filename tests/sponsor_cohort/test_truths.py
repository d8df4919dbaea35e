"""The truths of the sponsor study: stated effects, stationarity, and what sets the companions apart."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad_vec
from scipy.linalg import expm

from alliance_bayes.simulation.sponsor_cohort.truths import PROCESSES, TRUTHS, step

ALL = list(TRUTHS)


def innovations(truth):
    return -(truth.drift @ truth.within + truth.within @ truth.drift.T)


@pytest.mark.parametrize("name", ALL)
def test_states_keep_variance_one_and_their_correlations(name):
    truth = TRUTHS[name]
    assert np.linalg.eigvalsh(innovations(truth)).min() > 0
    assert np.linalg.eigvals(truth.drift).real.max() < 0
    assert np.linalg.eigvalsh(truth.between).min() > 0
    phi, factor = step(truth.drift, innovations(truth), 3.0)
    np.testing.assert_allclose(phi @ truth.within @ phi.T + factor @ factor.T, truth.within, atol=1e-12)


@pytest.mark.parametrize("kept", [[0, 1, 2, 3], [2, 3]])
@pytest.mark.parametrize("months", [3.0, 6.0])
def test_a_step_is_the_integral_of_the_differential_equation(kept, months):
    """Psi = the integral of exp(A s) Q exp(A' s) over the interval, by quadrature."""
    truth, part = TRUTHS["default"], np.ix_(kept, kept)
    drift, noise = truth.drift[part], innovations(truth)[part]
    phi, factor = step(drift, noise, months)
    integral, _ = quad_vec(lambda s: expm(drift * s) @ noise @ expm(drift.T * s), 0, months)
    np.testing.assert_allclose(phi, expm(drift * months))
    np.testing.assert_allclose(factor @ factor.T, integral, atol=1e-9)


def test_the_default_has_the_lagged_effects_of_its_description():
    effects = TRUTHS["default"].effects
    assert effects.loc["alliance -> abstinence"].round(3).to_dict() == {
        "direct": 0.12,
        "3 months": 0.191,
        "6 months": 0.207,
    }
    wanted = {"abstinence -> alliance": 0.016, "participation -> abstinence": 0.116, "contact -> participation": 0.111}
    assert effects.loc[list(wanted), "3 months"].round(3).to_dict() == wanted


def test_companions_change_what_their_names_say():
    paths = ["alliance -> abstinence", "abstinence -> alliance"]
    direct = pd.DataFrame({name: truth.effects["direct"][paths] for name, truth in TRUTHS.items()})
    assert direct.to_dict("list") == {
        "default": [0.12, 0.01],
        "null": [0.0, 0.0],
        "reverse": [0.01, 0.12],
        "both": [0.10, 0.10],
        "confounded": [0.0, 0.0],
        "mnar": [0.12, 0.01],
    }
    hidden = {name for name, truth in TRUTHS.items() if truth.processes != PROCESSES}
    not_at_random = {
        name for name, truth in TRUTHS.items() if truth.interview_on_abstinence or truth.answer_on_alliance
    }
    assert (hidden, not_at_random) == ({"confounded"}, {"mnar"})
    assert (TRUTHS["null"].between != TRUTHS["default"].between).sum() == 2


def test_an_unmeasured_cause_looks_like_a_lead_of_the_alliance():
    """What a regression of the states on both at the interval's start finds, in closed form."""
    truth = TRUTHS["confounded"]
    pair = np.ix_([1, 3], [1, 3])
    found = (expm(truth.drift * 3) @ truth.within)[pair] @ np.linalg.inv(truth.within[pair])
    assert truth.lagged(3.0).loc["abstinence", "alliance"] < 0.01
    assert found[1, 0] > 0.15
    assert found[0, 1] < 0.1


def test_a_truth_prints_its_effects():
    assert (
        str(TRUTHS["mnar"])
        == """\
Truth 'mnar': as the default, but who is seen depends on abstinence then, and who rates the sponsor on the alliance \
itself.
Effects of one SD within persons while there is a sponsor, SD of the outcome:
                          direct  3 months  6 months
  path
  alliance -> abstinence    0.12     0.191     0.207
  abstinence -> alliance    0.01     0.016     0.017
A sponsor by itself: 0.3 SD on abstinence, 0.3 SD on participation.
Not at random: log odds of an interview +0.8 per SD of abstinence then, of an answer on the sponsor +0.8 per SD of \
alliance then."""
    )

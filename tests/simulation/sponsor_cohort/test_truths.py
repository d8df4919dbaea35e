"""The truths of the sponsor study: stated effects, stationarity, and what sets the companions apart."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad_vec
from scipy.linalg import expm

from alliance_bayes.simulation.sponsor_cohort.processes import draw_persons, truth_of_processes
from alliance_bayes.simulation.sponsor_cohort.truths import BETWEEN_SDS, LENGTHS, PROCESSES, TIMES, TRUTHS

ALL = list(TRUTHS)


def innovations(truth):
    return -(truth.drift @ truth.within + truth.within @ truth.drift.T)


@pytest.mark.parametrize("name", ALL)
def test_the_processes_are_stationary(name):
    truth = TRUTHS[name]
    assert np.linalg.eigvalsh(innovations(truth)).min() > 0
    assert np.linalg.eigvals(truth.drift).real.max() < 0
    assert np.linalg.eigvalsh(truth.between).min() > 0


@pytest.mark.parametrize("name", ALL)
def test_persons_are_drawn_from_the_differential_equation(name):
    """Psi = the integral of exp(A s) Q exp(A' s) over the interval, by quadrature."""
    truth, model = TRUTHS[name], truth_of_processes(TRUTHS[name], {})
    for interval, months in enumerate(LENGTHS):
        np.testing.assert_allclose(model.raw[interval], expm(truth.drift * months), atol=1e-12)
        integral, _ = quad_vec(
            lambda s: expm(truth.drift * s) @ innovations(truth) @ expm(truth.drift.T * s), 0, months, epsabs=1e-11
        )
        np.testing.assert_allclose(model.innovation_covariances[interval], integral, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_covariates_and_random_intercepts_add_up_to_the_stable_parts(name):
    truth, model = TRUTHS[name], truth_of_processes(TRUTHS[name], {})
    stable = np.zeros_like(truth.within)
    stable[:4, :4] = truth.between * np.outer(BETWEEN_SDS, BETWEEN_SDS)
    n = len(truth.processes)
    np.testing.assert_allclose(model.covariance[:n, :n], truth.within + stable, atol=1e-12)
    assert np.trace(model.between_covariance) < np.trace(stable)


def test_commitment_and_self_efficacy_go_with_stable_parts_as_described():
    """Correlations of commitment with u_y and u_m .60 and .53, of self-efficacy with both of its causes."""
    always = dict.fromkeys(TIMES, True)
    persons = draw_persons(TRUTHS["default"], 100_000, np.random.default_rng(1), always, {})
    levels = persons.levels.mean(axis=1)
    found = [np.cov(persons.commitment, levels[:, k])[0, 1] / BETWEEN_SDS[k] for k in (2, 3)]
    np.testing.assert_allclose(found, [0.53, 0.60], atol=0.02)
    assert abs(np.corrcoef(persons.commitment, persons.self_efficacy)[0, 1] - 0.5) < 0.01
    assert abs(persons.self_efficacy.std() - 1) < 0.01


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
Truth 'mnar': as the default, but interviews depend on the abstinence at that time, and ratings of the sponsor on the \
alliance itself.
Effects of one SD within persons while there is a sponsor, SD of the outcome:
                          direct  3 months  6 months
  path
  alliance -> abstinence    0.12     0.191     0.207
  abstinence -> alliance    0.01     0.016     0.017
A sponsor by itself: 0.3 SD on abstinence, 0.3 SD on participation.
Not at random: log odds of an interview +0.8 per SD of abstinence then, of an answer on the sponsor +0.8 per SD of \
alliance then."""
    )

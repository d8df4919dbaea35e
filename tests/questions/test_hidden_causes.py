"""Golden numbers of the formulas, and the formulas against regressions of simulated moments."""

import numpy as np
import pytest

from alliance_bayes.questions.hidden_causes import direct_path_at, e_value, indirect_at, risk_ratio_of_difference


@pytest.mark.parametrize(("ratio", "golden"), [(1.2, 1.69), (1.5, 2.37), (2, 3.41), (1 / 2, 3.41), (1, 1)])
def test_golden_e_values(ratio, golden):
    assert e_value(ratio) == pytest.approx(golden, abs=5e-3)


@pytest.mark.parametrize(("rho", "golden"), [(0, 0.15), (0.2, 0.0526), (0.3, 0)])
def test_golden_indirect_effect_by_correlation(rho, golden):
    assert indirect_at(rho, 0.5, 1.0, 1.0, 0.3) == pytest.approx(golden, abs=5e-5)


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.4])
def test_the_path_is_recovered_from_what_a_regression_would_estimate(rho):
    """With errors that correlate rho, least squares estimates b + rho s_y / s_m and a smaller residual SD."""
    path, mediator_sd, outcome_sd = 0.5, 0.8, 1.3
    estimate = path + rho * outcome_sd / mediator_sd
    residual_sd = outcome_sd * np.sqrt(1 - rho**2)
    assert direct_path_at(rho, estimate, mediator_sd, residual_sd) == pytest.approx(path)


def test_a_difference_of_one_sd_is_a_risk_ratio():
    assert risk_ratio_of_difference(1.0) == pytest.approx(2.484, abs=5e-4)

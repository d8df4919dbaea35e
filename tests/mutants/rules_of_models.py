"""Rules of the models: directions, standardised effects, shares, priors, checks of fit, exported syntax."""

from mutant import Mutant, rules_of

MODELS: list[Mutant] = [
    *rules_of(
        "moments/derived.py",
        "moments/test_derived.py",
        (
            "SD of the predictor before over SD of the outcome after",
            "writer.multiply(effect, before[None, :]), after[:, None])",
            "writer.multiply(effect, after[None, :]), before[:, None])",
        ),
        (
            "raw units of the outcome per unit of the predictor",
            "writer.divide(scale[:, None], scale[None, :])",
            "writer.divide(scale[None, :], scale[:, None])",
        ),
        (
            "within R squared is what is not new",
            "writer.subtract(one, writer.divide(np.diagonal(new)",
            "writer.subtract(one, writer.divide(np.diagonal(new) * 0 + np.diagonal(after)",
        ),
        (
            "R squared is of the variance after",
            "zip(innovations, within[1:], strict=True)",
            "zip(innovations, within[:-1], strict=True)",
        ),
        (
            "ICC is between over total",
            "writer.divide(stable, writer.add(stable, np.diagonal(covariance)))",
            "writer.divide(np.diagonal(covariance), writer.add(stable, np.diagonal(covariance)))",
        ),
        ("steps of a grid are multiplied", "range(interval.n_steps - 1)", "range(interval.n_steps - interval.n_steps)"),
        ("means are in raw units", "writer.add(centre, writer.multiply(scale, each))", "writer.multiply(scale, each)"),
        (
            "loadings change the share between",
            "writer.multiply(writer.multiply(loading, loading), stable)",
            "writer.multiply(loading, stable)",
            "moments/test_family.py",
        ),
    ),
    *rules_of(
        "moments/cross_lagged_system.py",
        "moments/test_kernel.py::test_moments_are_the_textbook_blocks",
        (
            "lagged[outcome, predictor]",
            "state[column], interval.effects[row, column]",
            "state[column], interval.effects[column, row]",
        ),
        (
            "a state that was off restarts",
            "if row not in beginning else ()",
            "if True else ()",
            "moments/test_states.py",
        ),
        (
            "no value exists where the state is off",
            "if measure not in self.exists(wave):\n            self.observed",
            "if False:\n            self.observed",
            "moments/test_states.py",
        ),
        (
            "the state before decides kept or acquired",
            '"kept" if self.cell.history[wave - 1] != OFF',
            '"kept" if self.cell.history[wave] != OFF',
            "moments/test_states.py",
        ),
        (
            "reliability leaves the rest as error",
            "1 - spec.reliability[name]",
            "spec.reliability[name]",
            "moments/test_family.py test_lavaan_family.py",
        ),
    ),
    *rules_of(
        "moments/prior_scale.py",
        "moments/test_prior_scale.py",
        (
            "carry-over has its own prior",
            '"carry_over": (priors.carry_over, "lagged", 1.0)',
            '"carry_over": (priors.cross_lagged, "lagged", 1.0)',
        ),
        (
            "cross-lagged effects have their own prior",
            '"cross_lagged": (priors.cross_lagged, "lagged", 1.0)',
            '"cross_lagged": (priors.carry_over, "lagged", 1.0)',
        ),
        (
            "decay makes a drift negative",
            '"drift", -1 / shortest)',
            '"drift", 1 / shortest)',
        ),
        (
            "cross drifts are per shortest interval",
            '(priors.cross_drift, "drift", 1 / shortest)',
            '(priors.cross_drift, "drift", 1)',
        ),
        ("effects are per SD of the predictor", "unit[outcome]), unit[predictor])", "unit[predictor]), unit[outcome])"),
        (
            "carry-over lies between -1 and 1",
            'bounds = (-1.0, 1.0) if name == "carry_over" else None',
            "bounds = None",
            "pymc_models/test_building.py::test_priors_are_those_of_the_spec",
        ),
        (
            "icc is a share of the variance",
            "writer.square_root(share)) for sd, share in zip(total, icc",
            "share) for sd, share in zip(total, icc",
        ),
        (
            "within is the rest of the variance",
            "writer.square_root(writer.subtract(one, share)) for share in icc]",
            "writer.subtract(one, share) for share in icc]",
        ),
        (
            "between correlations have their own prior",
            '"between_partial_unit", priors.between_correlation',
            '"between_partial_unit", priors.within_correlation',
        ),
        (
            "within correlations have their own prior",
            '"within_partial_unit", priors.within_correlation',
            '"within_partial_unit", priors.between_correlation',
        ),
        (
            "innovations have their own prior",
            '"relative_innovation_sd", priors.innovation_sd',
            '"relative_innovation_sd", priors.total_sd',
        ),
        (
            "innovation correlations have their own prior",
            "            priors.innovation_correlation,",
            "            priors.within_correlation,",
        ),
        (
            "diffusion is per shortest interval",
            "1 / float(np.sqrt(min(self.design.intervals)))",
            "1.0",
        ),
    ),
    *rules_of(
        "spec/priors.py",
        "spec/test_priors.py",
        (
            "cross-lagged effects ~ Normal(0, .15)",
            "cross_lagged: Normal = Normal(0.0, 0.15)",
            "cross_lagged: Normal = Normal(0.0, 0.3)",
        ),
        (
            "carry-over ~ Normal(.4, .25)",
            "carry_over: Normal = Normal(0.4, 0.25)",
            "carry_over: Normal = Normal(0.4, 0.5)",
        ),
        ("icc ~ Beta(2, 2)", "icc: Beta = Beta(2.0, 2.0)", "icc: Beta = Beta(1.0, 1.0)"),
        ("LKJ's partial correlations", "self.eta + (size - 2 - column) / 2", "self.eta + (size - 1 - column) / 2"),
        (
            "a prior is scaled by its SD",
            "return Normal(mean, sd * factor)",
            "return Normal(mean * factor, sd * factor)",
        ),
    ),
    *rules_of(
        "spec/steps.py",
        "spec/test_steps.py moments/test_identification.py",
        (
            "a base step divides every interval",
            "return float(reduce(_common_divisor, fractions))",
            "return float(min(fractions))",
        ),
    ),
    *rules_of(
        "moments/identification.py",
        "moments/test_identification.py moments/test_identification_of_latent.py",
        ("a measure that requires a state needs a word", "if spec.nonexistent is None else ()", "if False else ()"),
        ("a path without data is refused", "elif not counts.any():", "elif False:"),
        ("a path without data over one interval is refused", "if count == 0", "if count < 0"),
        ("groups need a word", "spec.group_lags is None:", "False:", "questions/test_groups.py"),
        (
            "covariates are complete",
            "if unknown.any():",
            "if False:",
            "test_background.py moments/test_identification_of_latent.py spec/test_options.py",
        ),
    ),
    *rules_of(
        "fitting.py",
        "test_fitting.py::test_misfit_is_in_either_tail_and_not_at_its_limit test_fitting.py::test_overall_misfit_is_a_chi_square_larger_than_replicated_ones test_fitting.py::test_prior_draws_are_those_whose_moments_are_proper test_fitting.py::test_check_compares_observed_with_replicated test_fitting.py::test_person_scores_are_the_closed_form_averaged_over_draws",
        (
            "misfit is replicated below completed",
            "larger = (replicated > completed).mean",
            "larger = (replicated < completed).mean",
        ),
        ("misfit in either tail", "(larger < 0.025) | (larger > 0.975)", "(larger < 0.025)"),
        ("exactly .025 is no misfit", "(larger < 0.025) | (larger", "(larger <= 0.025) | (larger"),
        (
            "overall misfit is a large chi-square",
            "(replicated > completed).mean()) if",
            "(replicated < completed).mean()) if",
        ),
        ("overall misfit from .025", '"verdict": "misfit" if larger < 0.025', '"verdict": "misfit" if larger > 0.975'),
        ("checks are in raw units", "values * unit + centre, self.spec.columns", "values, self.spec.columns"),
        ("prior draws are proper", "thetas[proper])", "thetas)"),
        ("scores of people are in raw units", "drawn * self.model.unit + centre", "drawn + centre"),
        (
            "health of a group is that of the whole",
            "if self.whole is not None:\n            return self.whole.health",
            "if False:\n            return self.whole.health",
            "questions/test_groups.py::test_one_group_can_be_asked_by_itself",
        ),
        (
            "integrals are part of health",
            "return with_integration(found,",
            "return found or with_integration(found,",
            "test_latent_fit.py",
        ),
    ),
    *rules_of(
        "prediction.py",
        "test_prediction.py questions/test_calibration.py",
        ("new people keep their covariates", "centre + values[members][:, n_values:] @ slopes.T", "centre + 0"),
        (
            "innovations of replicated people have their covariance",
            "normals @ np.linalg.cholesky(left).T",
            "normals @ np.linalg.cholesky(left)",
        ),
        (
            "longer models go on as the last interval",
            "last = max(each for",
            "last = min(each for",
            "test_prediction.py test_fitting.py test_forecasting.py",
        ),
        ("a lagged correlation is with the next wave", "elif gap == 1:", "elif gap == 2:"),
        ("few pairs have no correlation", "np.where(counts >= 3", "np.where(counts >= 2"),
    ),
    *rules_of(
        "forecasting.py",
        "test_forecasting.py test_fitting.py",
        (
            "a forecast knows earlier waves alone",
            "there.before(wave, until=wave)",
            "there.before(wave + 1, until=wave)",
        ),
        ("a forecast is in raw units", "drawn * unit + centre", "drawn"),
        ("free lags go on by the last interval", "length = times[-1] - times[-2]", "length = times[1] - times[0]"),
    ),
    *rules_of(
        "pymc_models/densities.py",
        "questions/test_comparison.py",
        (
            "the likelihood is what is not prior",
            "self(points) - prior.sum(axis=1) - jacobian",
            "self(points) - jacobian",
        ),
        ("the likelihood has no Jacobian", "- prior.sum(axis=1) - jacobian.sum(axis=1)", "- prior.sum(axis=1)"),
    ),
    # ---- compiled ----
    *rules_of(
        "moments/statistics.py",
        "test_sandwich.py::test_moments_with_weights_are_numpys",
        ("means are weighted", "np.average(chosen, axis=0, weights=weights)", "chosen.mean(axis=0)"),
        ("scatter is weighted", "np.sqrt(weights)[:, None] * (chosen - mean)", "weights[:, None] * (chosen - mean)"),
        ("people count by their weights", "float(own.sum()), mask", "float(len(members)), mask"),
        compiles=True,
    ),
    *rules_of(
        "moments/prior_density.py",
        "pymc_models/test_compiling.py::test_density_and_gradient_are_those_of_the_model",
        (
            "log-normal densities have their Jacobian",
            "deviation * deviation - math.log(value)",
            "deviation * deviation",
        ),
        ("bounded parameters have their Jacobian", "total += math.log(width * share * (1.0 - share))", "total += 0.0"),
        compiles=True,
    ),
]

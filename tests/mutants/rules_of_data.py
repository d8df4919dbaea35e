"""Rules of the data: contradictions, kinds of absence, weights and clusters, imputations, simulated truths."""

from mutant import Mutant, rules_of

DATA: list[Mutant] = [
    *rules_of(
        "panel/preparing.py",
        "panel/test_without_covariates.py",
        ("one row with a value is enough", "minlength=len(persons)) == 0", "minlength=len(persons)) < 2"),
        ("one column without a value is enough to be left out", "np.logical_or.reduce", "np.logical_and.reduce"),
    ),
    *rules_of(
        "panel/frames.py",
        "panel/test_without_covariates.py",
        ("rows at other times say what does not change", "np.append(~known, False)", "np.append(known & False, False)"),
        ("rows at times that are kept come first", "np.append(~known, False)", "np.append(known | True, False)"),
    ),
    *rules_of(
        "panel/missing_codes.py",
        "panel/test_messy_files.py::test_codes_by_column_leave_other_columns_alone",
        ("codes of a column are its own", "given = dict(missing)", "given = dict.fromkeys(columns, [-99])"),
        ("codes are taken as missing", "column = column.mask(where) if", "column = column if"),
    ),
    *rules_of(
        "panel/missing_codes.py",
        "panel/test_messy_files.py::test_what_lies_apart_from_all_others_is_suspected",
        ("a negative value among others is a suspect", "(different < 0) & (low >= 0)", "(different < 0) & (low < 0)"),
    ),
    *rules_of(
        "panel/factors.py",
        "panel/test_messy_files.py::test_the_reference_is_the_first_category_and_what_is_unknown_is_missing",
        ("what is unknown is no category", ".where(known.notna(), np.nan)", ".where(known.notna(), 0.0)"),
        ("categories are all named", "unknown = [text for text in present", "unknown = [text for text in ()"),
    ),
    *rules_of(
        "panel/times_of_dates.py",
        "panel/test_messy_files.py::test_dates_of_waves_are_the_nearest_planned_times",
        ("dates far from every wave are refused", "(far := np.abs(off) >", "(far := -np.abs(off) >"),
    ),
    *rules_of(
        "panel/delimited.py",
        "panel/test_messy_files.py::test_delimiters_and_decimal_signs_are_found_or_given",
        ("decimal commas are found", 'return "," if comma else "."', 'return "."'),
    ),
    *rules_of(
        "files/kinds/panel_model.py",
        "files/test_rehearsal.py::test_horizons_of_mediation_are_checked_with_the_panel",
        ("questions are rehearsed before sampling", "if not question.of_an_answer:", "if question.of_an_answer:"),
    ),
    *rules_of(
        "panel/settling.py",
        "panel/test_panel.py::test_help_is_refused_until_its_contradictions_are_decided",
        ("contradictions are refused unless decided", 'if contradictions in ("drop_value", "state_on"):', "if True:"),
    ),
    *rules_of(
        "panel/settling.py",
        "panel/test_panel.py::test_contradictions_are_decided_and_kept_on_record",
        ("drop_value drops the value", "arrays.answers[off] = np.nan", "arrays.answers[off] = 0"),
        ("state_on sets the state", "[off[:, :, position]] = 1.0", "[off[:, :, position]] = 0.0"),
        ("contradictions are on record", '"value": arrays.answers[off]', '"value": 0 * arrays.answers[off]'),
        ("a state alone makes an interview", "anything |= ~np.isnan(state)", "anything |= False"),
    ),
    *rules_of(
        "panel/settling.py",
        "panel/test_panel.py::test_long_wide_and_arrays_make_the_same_panel",
        (
            "a value contradicts a state of 0",
            "(arrays.states[state] == 0) & ~np.isnan",
            "(arrays.states[state] == 1) & ~np.isnan",
        ),
    ),
    *rules_of(
        "panel/settling.py",
        "panel/test_panel.py::test_four_kinds_of_absence_are_told_apart",
        (
            "what cannot exist does not exist",
            "(state == 0)] = Absence.NOT_APPLICABLE",
            "(state == 0)] = Absence.ITEM_MISSING",
        ),
        (
            "without a state it is unknown",
            "np.isnan(state)] = Absence.UNKNOWN",
            "np.isnan(state)] = Absence.ITEM_MISSING",
        ),
        (
            "what was asked is unanswered",
            "absence[absent] = Absence.ITEM_MISSING",
            "absence[absent] = Absence.WAVE_MISSING",
        ),
        ("no interview is no answer", "] = Absence.WAVE_MISSING\n", "] = Absence.ITEM_MISSING\n"),
        (
            "interviews are as the column says",
            "if arrays.interviewed is None else arrays.interviewed",
            "if True else arrays.interviewed",
        ),
    ),
    *rules_of(
        "panel/settling.py",
        "panel/test_bad_data.py::test_long_frames_are_refused_with_every_reason",
        (
            "an answer without interview is refused",
            "impossible := answers & ~arrays.interviewed",
            "impossible := answers & False",
        ),
    ),
    *rules_of(
        "panel/horizon.py",
        "questions/test_leave_future_out.py::test_the_past_alone_is_a_refit_without_the_future",
        (
            "waves from the horizon on are unseen",
            "values[places, n_waves:, column] = np.nan",
            "values[places, n_waves + 1 :, column] = np.nan",
        ),
    ),
    *rules_of(
        "panel/horizon.py",
        "questions/test_compare.py::test_what_is_not_observed_stays_what_it_is",
        (
            "what does not exist stays so",
            "np.where(kinds == Absence.OBSERVED, Absence.WAVE_MISSING, kinds)",
            "Absence.WAVE_MISSING",
        ),
    ),
    *rules_of(
        "panel/horizon.py",
        "posterior/test_forecasting.py::test_nothing_later_is_known_before_a_wave_and_units_stay",
        ("states are unseen too", "state[places, n_waves:] = np.nan", "state[places, n_waves:] = 0"),
    ),
    *rules_of(
        "panel/consistency.py",
        "panel/test_consistency.py::test_alpha_of_parallel_items_is_their_reliability",
        ("alpha is by n / (n - 1)", "n / (n - 1) * (1 -", "(1 -"),
    ),
    *rules_of(
        "basics/names.py",
        "questions/test_directionality.py::test_verdicts",
        ("predictor -> outcome", 'f"{predictor}{ARROW}{outcome}"', 'f"{outcome}{ARROW}{predictor}"'),
    ),
    *rules_of(
        "likelihood/survey_design.py",
        "likelihood/test_sandwich.py::test_a_weight_of_two_is_a_person_twice",
        ("weights have the mean 1", "shares / shares[observed].mean()", "weights"),
    ),
    *rules_of(
        "likelihood/survey_design.py",
        "likelihood/test_sampling.py::test_weights_have_the_mean_1_over_people_with_values",
        ("the mean is over those with values", "shares[observed].mean()", "shares.mean()"),
    ),
    *rules_of(
        "likelihood/survey_design.py",
        "likelihood/test_sampling.py::test_everything_wrong_with_labels_and_weights",
        ("a weight is above 0", "(weights > 0) & np.isfinite", "(weights >= 0) & np.isfinite"),
        ("a person has one weight", "if len(repeated):", "if False:"),
    ),
    *rules_of(
        "likelihood/survey_design.py",
        "likelihood/test_sampling.py::test_labels_that_do_not_fit",
        ("one cluster is none", "if clusters.max() == 0:", "if clusters.max() == -5:"),
    ),
    *rules_of(
        "likelihood/robust_errors.py",
        "likelihood/test_sandwich.py::test_lavaan_finds_the_same",
        ("few clusters: n / (n - 1)", "np.sqrt(sampling.n_clusters / (sampling.n_clusters - 1))", "1"),
        (
            "scores are weighted",
            "scores = sampling.weights[:, None] * scores",
            "scores = np.sqrt(sampling.weights[:, None]) * scores",
        ),
        (
            "scores are summed within clusters",
            "np.add.at(sums, sampling.clusters[sampled], scores[sampled])",
            "sums[sampling.clusters[sampled]] = scores[sampled]",
        ),
        ("a covariance stands for two", "0.5, 1.0)  # an", "0.5, 0.5)  # an"),
        ("the scaling is per degree of freedom", "(unrestricted - trace) / df", "(unrestricted - trace)"),
    ),
    *rules_of(
        "likelihood/robust_errors.py",
        "likelihood/test_sandwich.py::test_fit_indices_are_those_of_the_scaled_formulas",
        (
            "the baseline has its own scaling",
            "(unrestricted - independent) / baseline",
            "(unrestricted - trace) / baseline",
        ),
    ),
    *rules_of(
        "likelihood/complete_data_fit.py",
        "likelihood/test_tables.py::test_lavaans_measures_of_fit",
        ("robust indices compare as complete data", "_complete_information(group.covariance)", "information"),
        ("covariances stand for two", "np.where(rows == columns, 1.0, 2.0)", "np.where(rows == columns, 1.0, 1.0)"),
        ("the baseline has its own moments", "block_diag(*single_slopes)", "np.concatenate(slopes)"),
    ),
    *rules_of(
        "likelihood/random_intercepts.py",
        "likelihood/test_intercept_variances.py::test_an_intercept_that_stays_and_may_be_0_is_said",
        ("a kept variance near 0 is looked for", "theta[position] < FEW_ERRORS", "theta[position] < 0 * FEW_ERRORS"),
    ),
    *rules_of(
        "panel/value_shapes.py",
        "test_first_steps.py::test_the_family_of_a_draft_says_what_shows_it_and_what_else_it_may_be",
        ("counts up to 7 are no days", "0.0 if high in OF_WEEKS else at_zero", "at_zero"),
    ),
    *rules_of(
        "panel/missing_codes.py",
        "panel/test_messy_files.py::test_codes_of_all_columns_that_lie_among_the_values_of_one_are_warned_of",
        ("codes beyond all values are left alone", "low < code < high", "low < code"),
    ),
    *rules_of(
        "panel/reading.py",
        "panel/test_messy_files.py::test_dropped_rows_are_named_by_line_where_rows_are_lines_and_by_position_otherwise",
        ("lines are counted with the header", "{first + each:,}", "{each:,}"),
    ),
    *rules_of(
        "basics/whole_tables.py",
        "posterior/test_printing.py::test_whole_times_are_printed_without_decimals_and_large_numbers_with_their_digits",
        ("large numbers keep their digits", "1000 <= abs(value) < LARGEST", "LARGEST <= abs(value) < LARGEST"),
        ("whole times have no decimals", "shown.index = _plain(shown.index)", "pass"),
    ),
    *rules_of(
        "basics/exporting.py",
        "basics/test_exporting.py::test_what_holds_tables_is_pointed_to_them",
        ("what holds tables is pointed to them", 'getattr(given, "table", None)', "None"),
    ),
    *rules_of(
        "likelihood/estimates.py",
        "likelihood/test_likelihood.py::test_intervals_and_tests_of_single_parameters",
        ("p-values have two tails", '"p": 2 * ndtr(-np.abs(ratios))', '"p": ndtr(-np.abs(ratios))'),
        ("p-values are of the size of z", "ndtr(-np.abs(ratios))", "ndtr(-ratios)"),
        ("intervals are of 95 %", "ndtri(0.975)", "ndtri(0.95)"),
    ),
    *rules_of(
        "likelihood/maximum_likelihood.py",
        "likelihood/test_likelihood.py::test_information_criteria",
        ("AIC counts two a parameter", "+ 2 * self.n_parameters", "+ self.n_parameters"),
        (
            "BIC counts log of people",
            "self.n_parameters * np.log(self.n_persons)",
            "self.n_parameters * np.log(self.model.statistics.n_waves)",
        ),
    ),
    *rules_of(
        "likelihood/maximum_likelihood.py",
        "likelihood/test_likelihood.py::test_raw_columns_give_the_same_in_raw_units",
        (
            "the log-likelihood is of raw values",
            "self.estimates.log_likelihood + self.model.statistics.log_jacobian",
            "self.estimates.log_likelihood - self.model.statistics.log_jacobian",
        ),
    ),
    *rules_of(
        "likelihood/persons.py",
        "likelihood/test_likelihood.py::test_log_likelihood_of_persons_is_scipys",
        (
            "each person's log-likelihood is of raw values",
            "densities -= (~np.isnan(values[:, :n_values])) @ log_scale",
            "densities += 0",
        ),
    ),
    *rules_of(
        "likelihood/maximum_likelihood.py",
        "likelihood/test_sandwich.py::test_a_weight_of_two_is_a_person_twice",
        ("weights and clusters need the sandwich", 'return sampled or asked == "robust"', 'return asked == "robust"'),
    ),
    *rules_of(
        "likelihood/maximum_likelihood.py",
        "likelihood/test_sampling.py::test_standard_errors_that_do_not_go_with_the_rest",
        ("observed information is refused for samples", 'if sampled and asked == "observed":', "if False:"),
    ),
    *rules_of(
        "likelihood/survey_design.py",
        "likelihood/test_sandwich.py::test_printed",
        ("few clusters are said", "FEW_CLUSTERS = 40", "FEW_CLUSTERS = 10"),
    ),
    *rules_of(
        "likelihood/estimates.py",
        "likelihood/test_likelihood.py::test_sds_and_correlations_are_those_of_lavaans_variances",
        ("slopes are of twice the width", "/ (2 * width)", "/ width"),
        (
            "quantities are those asked for",
            "table.iloc[np.concatenate(chosen)]",
            "table",
            "likelihood/test_likelihood.py::test_standardised_effects",
        ),
    ),
    *rules_of(
        "likelihood/fit_indices.py",
        "likelihood/test_likelihood.py::test_lavaan_finds_the_same",
        (
            "chi-square is twice the gain",
            "max(2 * (unrestricted - estimates.log_likelihood), 0.0)",
            "max(unrestricted - estimates.log_likelihood, 0.0)",
        ),
        (
            "p is of the upper tail",
            "float(chdtrc(df, chi_square / scaling.model))",
            "1 - float(chdtrc(df, chi_square / scaling.model))",
        ),
        (
            "degrees of freedom: moments less parameters",
            "n_moments - model.system.n_parameters",
            "n_moments - model.system.n_parameters + 1",
        ),
        ("CFI is against the baseline", "1 - excess / baseline_excess", "1 - excess / baseline"),
        ("CFI: excess over degrees of freedom", "ours.statistic - ours.scaling * df", "ours.statistic - ours.scaling"),
        ("RMSEA is per person", "(df * n_persons)", "(df * (n_persons - 1))"),
        (
            "the baseline frees covariances with nothing",
            "size * (size - 1) // 2 + size",
            "size * (size + 1) // 2 + size",
        ),
    ),
    *rules_of(
        "likelihood/fit_indices.py",
        "likelihood/test_likelihood.py::test_rmsea_of_groups_is_as_large_as_that_of_one",
        ("RMSEA of several groups", "np.sqrt(n_groups * excess", "np.sqrt(excess"),
    ),
    *rules_of(
        "likelihood/fit_indices.py",
        "likelihood/test_likelihood.py::test_fit_indices_by_hand",
        ("SRMR holds means", ", (group.mean - mean) / sd]", "]"),
        ("SRMR is a root mean square", "np.sqrt(np.mean(parts**2))", "np.mean(np.abs(parts))"),
    ),
    *rules_of(
        "likelihood/fit_indices.py",
        "likelihood/test_tables.py::test_lavaans_measures_of_fit",
        ("the RMSEA's interval is of 90 %", "RMSEA_LEVEL = 0.90", "RMSEA_LEVEL = 0.95"),
        ("close fit is an RMSEA of .05", "CLOSE_FIT = 0.05", "CLOSE_FIT = 0.08"),
        ("TLI is per degree of freedom", "return 1 - (excess / df)", "return 1 - excess"),
    ),
    *rules_of(
        "likelihood/likelihood_ratio.py",
        "questions/test_likelihoods.py::test_lavaans_tests_of_nested_models",
        (
            "the scaling is per degree of freedom",
            "(_trace(larger) - _trace(smaller)) / df",
            "_trace(larger) - _trace(smaller)",
        ),
        (
            "only a model that can imply the same moments is larger",
            "if most - best.log_likelihood > SAME_MOMENTS",
            "if most - best.log_likelihood > 1e9 * SAME_MOMENTS",
            "questions/test_likelihoods.py::test_what_contains_what",
        ),
    ),
    *rules_of(
        "likelihood/score_tests.py",
        "likelihood/test_score_tests.py::test_lavaans_modification_indices",
        (
            "the model's own parameters are estimated",
            "unexplained = alone - np.einsum",
            "unexplained = alone - 0 * np.einsum",
        ),
        (
            "changes are in the measures' own units",
            "first / second)",
            "second / first)",
            "likelihood/test_score_tests.py::test_an_effect_that_is_there_is_found_with_its_size",
        ),
    ),
    *rules_of(
        "likelihood/random_intercepts.py",
        "likelihood/test_intercept_variances.py::test_one_intercept_is_half_and_half",
        (
            "one intercept is half and half",
            "0.5 * (_tail(statistic, free) + _tail(statistic, free + 1))",
            "_tail(statistic, free + 1)",
        ),
        (
            "the statistic has proper covariance matrices",
            "2 * (proper.log_likelihood - without.log_likelihood)",
            "2 * (answer.estimates.log_likelihood - without.log_likelihood)",
            "likelihood/test_intercept_variances.py::test_an_improper_solution_is_brought_back_to_the_boundary",
        ),
    ),
    *rules_of(
        "likelihood/standardized.py",
        "likelihood/test_tables.py::test_lavaans_standardised_solution",
        (
            "effects are per SD of the predictor",
            "solution.effects[row, column] * sds[column] / sds[row]",
            "solution.effects[row, column] * sds[row] / sds[column]",
        ),
    ),
    *rules_of(
        "likelihood/fit_indices.py",
        "likelihood/test_sandwich.py::test_lavaan_finds_the_same",
        ("chi-square is divided by its scaling", "chi_square=chi_square / scaling.model", "chi_square=chi_square"),
    ),
    *rules_of(
        "likelihood/residuals.py",
        "likelihood/test_residuals.py::test_residuals_of_complete_data_are_those_of_its_moments",
        ("observed less implied", '"residual": (observed - expected) / sds', '"residual": (expected - observed) / sds'),
    ),
    *rules_of(
        "likelihood/residuals.py",
        "likelihood/test_residuals.py::test_residuals_as_lavaan_has_them",
        ("the largest first", 'np.argsort(-joined["residual"].abs()', 'np.argsort(joined["residual"].abs()'),
        (
            "z has the residual's own error",
            "projection, variance, projection",
            "projection, np.eye(len(variance)), projection",
        ),
    ),
    *rules_of(
        "posterior/predictions/normal.py",
        "posterior/test_discrepancy.py::test_twice_the_gain_in_log_likelihood",
        (
            "misfit makes it larger",
            "len(members) * (implied - unrestricted - n_values)",
            "len(members) * (unrestricted - implied - n_values)",
        ),
    ),
    *rules_of(
        "likelihood/pooling.py",
        "posterior/test_imputations.py::test_pooled_by_the_rules",
        ("Rubin: (1 + 1/m) of the variance between", "between = (1 + 1 / m) * estimates", "between = estimates"),
        ("Rubin: between by m - 1", "estimates.var(axis=0, ddof=1)", "estimates.var(axis=0, ddof=0)"),
        ("Rubin: within is the mean of variances", ".to_numpy() ** 2 for answer", ".to_numpy() for answer"),
        ("Rubin: total is within and between", "np.sqrt(within + between)\n    width", "np.sqrt(within)\n    width"),
        ("Barnard and Rubin: m - 1 over share squared", "old = (m - 1) / share**2", "old = (m - 1) / share"),
        ("Barnard and Rubin: complete degrees of freedom", "(known + 1) / (known + 3) * known", "known"),
        ("pooled p-values have two tails", "2 * stdtr(df,", "stdtr(df,"),
        ("pooled intervals are of 95 %", "stdtrit(df, 0.975)", "stdtrit(df, 0.95)"),
    ),
    *rules_of(
        "likelihood/pooling.py",
        "posterior/test_imputations.py::test_complete_df_of_clusters",
        (
            "clusters, not people, are the degrees of freedom",
            "(first.n_clusters or first.n_persons) - 1",
            "first.n_persons - 1",
        ),
    ),
    *rules_of(
        "posterior/health.py",
        "posterior/test_imputations.py::test_health_is_that_within_panels",
        ("R-hat of panels is the largest", "rhat=float(np.max(", "rhat=float(np.min("),
        ("problems of every panel are kept", "for problem in part.problems\n", "for problem in part.problems[:0]\n"),
    ),
    *rules_of(
        "posterior/mixing.py",
        "posterior/test_imputations.py::test_share_between_imputations",
        ("between share by (1 + 1/m)", "(1 + 1 / len(draws)) * means", "means"),
    ),
    *rules_of(
        "posterior/imputations.py",
        "posterior/test_imputations.py::test_draws_are_those_of_every_fit",
        ("each panel has its seed", "seed=seed + index", "seed=seed"),
    ),
    *rules_of(
        "simulation/true_process.py",
        "simulation/test_truth.py::test_effects_are_predictor_to_outcome_in_within_person_sds",
        (
            "effects are per SD of the predictor before",
            "self.standardized * sds[1:, :, None] / sds[:-1, None, :]",
            "self.standardized * sds[:-1, None, :] / sds[1:, :, None]",
        ),
    ),
    *rules_of(
        "simulation/true_process.py",
        "simulation/test_truth.py::test_the_sum_over_shocks_is_the_recursion",
        (
            "steps are per SD of the predictor before",
            "self._effects * sds[1:, :, None] / sds[:-1, None, :]",
            "self._effects * sds[:-1, None, :] / sds[1:, :, None]",
        ),
    ),
    *rules_of(
        "simulation/true_process.py",
        "simulation/test_continuous.py::test_the_golden_numbers",
        (
            "drift is per SD of the predictor",
            "(self.drift or {}) * sds[:, None] / sds",
            "(self.drift or {}) * sds / sds[:, None]",
        ),
    ),
    *rules_of(
        "simulation/true_process.py",
        "simulation/test_truth.py::test_total_sds_shares_and_correlations_are_as_given",
        (
            "within is the rest of the variance",
            "np.sqrt(self._reliability - self._shares)",
            "(self._reliability - self._shares)",
        ),
    ),
    *rules_of(
        "simulation/true_values.py",
        "simulation/test_truth.py::test_total_sds_shares_and_correlations_are_as_given",
        (
            "icc is a share of the variance",
            "self._total_sds * np.sqrt(self._each(self.icc))",
            "self._total_sds * self._each(self.icc)",
        ),
    ),
    *rules_of(
        "simulation/true_values.py",
        "simulation/test_truth.py::test_a_grid_is_a_product_of_steps",
        ("innovations are what is not carried over", "within - lagged @ within @ lagged", "within - lagged @ lagged"),
    ),
    *rules_of(
        "simulation/dynamics.py",
        "simulation/test_truth.py::test_the_sum_over_shocks_is_the_recursion",
        ("steps of a grid follow each other", "phi @ effects, phi @ new @", "effects, phi @ new @"),
    ),
    *rules_of(
        "simulation/drawing.py",
        "simulation/test_truth.py::test_the_sum_over_shocks_is_the_recursion",
        (
            "each wave follows the one before",
            "_times(interval.effects, states[-1]) + new",
            "_times(interval.effects, states[0]) + new",
        ),
    ),
    *rules_of(
        "simulation/drawing.py",
        "simulation/test_extensions.py::test_a_moderator_changes_the_effect_and_not_the_innovations",
        (
            "a chance of 1 is the probability",
            "chances[:, index] > 1 - covariate.probability",
            "chances[:, index] > covariate.probability",
        ),
    ),
]

"""Rules of the models: directions, standardised effects, shares, priors, checks of fit, exported syntax."""

from mutant import Mutant, rules_of

MODELS: list[Mutant] = [
    *rules_of(
        "posterior/prior_draws.py",
        "questions/test_group_contrast.py::test_studies_with_fewer_waves_than_others_have_a_prior_and_are_sampled",
        ("waves that a study lacks reject no draw", "columns[group, : len(times)].ravel()", "columns[group].ravel()"),
    ),
    *rules_of(
        "posterior/one_of_many.py",
        "posterior/test_smaller_steps.py::test_a_fit_that_is_one_of_many_is_sampled_once_more_too",
        ("one of many is sampled once more", "if until_explored and too_coarse(", "if False and too_coarse("),
    ),
    *rules_of(
        "engine/far_means.py",
        "engine/test_dependence.py::test_means_that_the_prior_hardly_allows_are_named",
        ("means far from the prior are named", "if not away[farthest] > FAR * prior.sd:", "if True:"),
        ("no wider prior than any", 'if 2 * away > WIDEST["mean"]:', "if False:"),
    ),
    *rules_of(
        "engine/far_means.py",
        "engine/test_dependence.py::test_means_of_a_group_that_the_prior_hardly_allows_are_named",
        ("groups have means of their own", '() if "means" in spec.equal_across_groups else groups', "()"),
    ),
    *rules_of(
        "engine/far_means.py",
        "engine/test_dependence.py::test_a_prior_of_means_far_from_the_mean_of_all_is_named",
        ("distances are from the prior's mean", "/ scales[place] - prior.mean)", "/ scales[place])"),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_derived.py::test_by_hand",
        (
            "SD of the predictor before over SD of the outcome after",
            "writer.multiply(effect, before[None, :]), after[:, None])",
            "writer.multiply(effect, after[None, :]), before[:, None])",
        ),
        (
            "standardised effects by outcome, then predictor",
            "after[:, None]).ravel()",
            "after[:, None]).T.ravel()",
        ),
        (
            "raw effects by outcome, then predictor",
            "writer.multiply(each, units).ravel()",
            "writer.multiply(each, units).T.ravel()",
        ),
        (
            "raw units of the outcome per unit of the predictor",
            "writer.divide(scale[:, None], scale[None, :])",
            "writer.divide(scale[None, :], scale[:, None])",
        ),
    ),
    *rules_of(
        "engine/parts/innovations.py",
        "engine/test_derived.py::test_by_hand",
        (
            "within R squared is what is no innovation",
            "writer.subtract(one, writer.divide(np.diagonal(new)",
            "writer.subtract(one, writer.divide(np.diagonal(new) * 0 + np.diagonal(after)",
        ),
        (
            "R squared is of the variance after",
            "zip(innovations, quantities.within[1:], strict=True)",
            "zip(innovations, quantities.within[:-1], strict=True)",
        ),
    ),
    *rules_of(
        "engine/parts/random_intercepts.py",
        "engine/test_derived.py::test_by_hand",
        (
            "ICC is between over total",
            "writer.divide(stable, writer.add(stable, np.diagonal(within)))",
            "writer.divide(np.diagonal(within), writer.add(stable, np.diagonal(within)))",
        ),
        (
            "loadings change the share between",
            "writer.multiply(writer.multiply(loading, loading), stable)",
            "writer.multiply(loading, stable)",
            "engine/test_family.py::test_derived_quantities_are_the_textbooks",
        ),
    ),
    *rules_of(
        "engine/parts/loadings.py",
        "engine/test_accumulating_loadings.py::test_names_and_random_variable",
        ("accumulating factors load 1 on the second wave", "2 if spec.accumulating else 1", "1"),
    ),
    *rules_of(
        "engine/quantities.py",
        "engine/test_derived.py::test_by_hand",
        ("steps of a grid are multiplied", "range(interval.n_steps - 1)", "range(interval.n_steps - interval.n_steps)"),
    ),
    *rules_of(
        "engine/parts/means.py",
        "engine/test_derived.py::test_by_hand",
        ("means are in raw units", "add(quantities.centre, each)", "add(each, each)"),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_kernel.py::test_moments_are_the_textbook_blocks",
        (
            "lagged[outcome, predictor]",
            "step.before[column], effects[row][column]",
            "step.before[column], effects[column][row]",
        ),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_states.py::test_moments_of_every_history_are_those_of_the_equations",
        ("a state that was off restarts", "if row not in step.restarts else ()", "if True else ()"),
    ),
    *rules_of(
        "engine/systems.py",
        "engine/test_states.py::test_moments_of_every_history_are_those_of_the_equations",
        (
            "no value exists where the state is off",
            "if on or not self.spec.needs_state(name)]",
            "if True or not self.spec.needs_state(name)]",
        ),
    ),
    *rules_of(
        "engine/parts/state.py",
        "engine/test_states.py::test_moments_of_every_history_are_those_of_the_equations",
        (
            "the state before decides kept or acquired",
            "KEPT if history[wave - 1] != OFF",
            "KEPT if history[wave] != OFF",
        ),
    ),
    *rules_of(
        "engine/parts/measurement_error.py",
        "engine/test_family.py::test_log_likelihood_of_each_person_is_the_textbooks",
        ("reliability leaves the rest as error", "1 - spec.reliability[name]", "spec.reliability[name]"),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_prior_scale.py::test_draws_have_their_priors_distribution",
        (
            "carry-over has its own prior",
            '"carry_over", stated.carry_over, *',
            '"carry_over", stated.cross_lagged, *',
        ),
        (
            "cross-lagged effects have their own prior",
            '"cross_lagged", stated.cross_lagged, *',
            '"cross_lagged", stated.carry_over, *',
        ),
    ),
    *rules_of(
        "engine/parts/innovations.py",
        "engine/test_prior_scale.py::test_draws_have_their_priors_distribution",
        (
            "innovations have their own prior",
            '"innovation_ratio", stated.innovation_ratio',
            '"innovation_ratio", stated.total_sd',
        ),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_prior_scale.py::test_theta_of_continuous_time_by_hand",
        ("decay makes a drift negative", "factor=-rate", "factor=rate * 1"),
        ("cross drifts are per shortest interval", "*cross_lagged, factor=rate", "*cross_lagged, factor=1"),
    ),
    *rules_of(
        "engine/steady_innovations.py",
        "engine/test_prior_scale.py::test_theta_by_hand",
        ("innovations fill what is not carried over", "writer.divide(carried, whole)", "writer.constant(0.0)"),
        ("innovations keep a twentieth", "LEAST_SHARE = 0.05", "LEAST_SHARE = 0.2"),
        ("shared innovations keep the average variance", "1 / len(variances)", "1.0"),
        (
            "both lags carry over",
            "carried = writer.add(carried, writer.add(alone, of_both))",
            "carried = writer.add(carried, of_both)",
            "engine/test_prior_scale.py::test_innovations_with_a_lag_of_two_by_hand",
        ),
        (
            "a diffusion makes good both sides of a decay",
            "return writer.add(floored, floored)",
            "return floored",
            "engine/test_prior_scale.py::test_theta_of_continuous_time_by_hand",
        ),
        (
            "unstable drifts have no density",
            "writer.constant(-1.0)) if row == column",
            "writer.constant(1.0)) if row == column",
            "engine/test_implied_prior.py::test_a_drift_has_a_density_where_its_process_does_not_explode",
        ),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_prior_scale.py::test_blocks_dims_and_labels_of_lags_about_their_averages",
        (
            "an effect of several intervals counts as often",
            "np.column_stack([weights,",
            "np.column_stack([np.ones_like(weights),",
        ),
    ),
    *rules_of(
        "engine/parts/state.py",
        "engine/test_latent_parameters.py::test_each_has_its_parameters_and_its_prior",
        ("a restart is relative to the first wave", "multiply(sds, priors.within[0][required])", "multiply(sds, sds)"),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_prior_scale.py::test_theta_by_hand",
        (
            "effects are per SD of the predictor",
            "units[0][outcome]), units[0][predictor])",
            "units[0][predictor]), units[0][outcome])",
        ),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_implied_prior.py::test_effects_that_groups_share_have_the_stated_prior_in_each",
        (
            "no group's SDs alone are the unit of what groups share",
            "if len(units) == 1:",
            "if len(units) >= 1:",
        ),
        (
            "the mean square of groups is the stated one",
            "writer.constant(1 / len(units))",
            "writer.constant(1.0)",
        ),
    ),
    *rules_of(
        "posterior/prior_draws.py",
        "posterior/test_fitting.py::test_prior_draws_whose_effects_explain_more_than_all_of_a_variance_are_replaced",
        ("draws that explain too much are replaced", "proper[proper] = ~np.isnan", "proper[proper] |= ~np.isnan"),
    ),
    *rules_of(
        "engine/parts/random_intercepts.py",
        "engine/test_prior_scale.py::test_theta_by_hand",
        (
            "icc is a share of the variance",
            "writer.square_root(share)) for sd, share in zip(sds, icc",
            "share) for sd, share in zip(sds, icc",
        ),
        (
            "within is the rest of the variance",
            "writer.square_root(writer.subtract(one, share)) for share in icc]",
            "writer.subtract(one, share) for share in icc]",
        ),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "pymc_models/test_building.py::test_priors_are_those_of_the_spec",
        ("carry-over lies between -1 and 1", "*carry_over, bounds=(-1.0, 1.0))", "*carry_over, bounds=None)"),
        (
            "average carry-over lies between -1 and 1",
            "spec.carry_over_paths, bounds=(-1.0, 1.0))",
            "spec.carry_over_paths, bounds=None)",
        ),
    ),
    *rules_of(
        "engine/parts/random_intercepts.py",
        "engine/test_prior_scale.py::test_every_block_has_the_prior_of_its_name",
        (
            "between correlations have their own prior",
            '"between_partial_unit", stated.between_correlation',
            '"between_partial_unit", stated.within_correlation',
        ),
    ),
    *rules_of(
        "engine/parts/innovations.py",
        "engine/test_prior_scale.py::test_every_block_has_the_prior_of_its_name",
        (
            "innovation correlations have their own prior",
            '"innovation_partial_unit", stated.innovation_correlation',
            '"innovation_partial_unit", stated.within_correlation',
        ),
    ),
    *rules_of(
        "engine/parts/first_wave.py",
        "engine/test_prior_scale.py::test_every_correlation_has_the_margin_of_an_lkj_prior",
        (
            "within correlations have their own prior",
            "priors.spec.priors.within_correlation",
            "priors.spec.priors.between_correlation",
        ),
    ),
    *rules_of(
        "spec/priors.py",
        "spec/test_priors.py::test_printed",
        (
            "cross-lagged effects ~ Normal(0, .2)",
            "cross_lagged: Normal = Normal(0.0, 0.2)",
            "cross_lagged: Normal = Normal(0.0, 0.3)",
        ),
        (
            "drifts between measures ~ Normal(0, .53)",
            "cross_drift: Normal = Normal(0.0, 0.53)",
            "cross_drift: Normal = Normal(0.0, 0.35)",
        ),
        (
            "carry-over ~ Normal(.4, .25)",
            "carry_over: Normal = Normal(0.4, 0.25)",
            "carry_over: Normal = Normal(0.4, 0.5)",
        ),
        ("icc ~ Beta(2, 2)", "icc: Beta = Beta(2.0, 2.0)", "icc: Beta = Beta(1.0, 1.0)"),
    ),
    *rules_of(
        "basics/distributions.py",
        "spec/test_priors.py::test_shapes_of_partial_correlations",
        ("LKJ's partial correlations", "self.eta + (size - 2 - column) / 2", "self.eta + (size - 1 - column) / 2"),
    ),
    *rules_of(
        "spec/priors.py",
        "spec/test_priors.py::test_scaled",
        (
            "a prior is scaled by its SD",
            "return Normal(mean, sd * factor)",
            "return Normal(mean * factor, sd * factor)",
        ),
    ),
    *rules_of(
        "spec/steps.py",
        "spec/test_steps.py::test_base_step",
        (
            "a base step divides every interval",
            "return float(reduce(_common_divisor, fractions))",
            "return float(min(fractions))",
        ),
    ),
    *rules_of(
        "engine/parts/state.py",
        "engine/test_identification.py::test_a_measure_that_need_not_exist",
        ("a measure that requires a state needs a word", "if spec.nonexistent is None else ()", "if False else ()"),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_identification.py::test_nobody_seen_on_both_ends_of_an_effect",
        ("a path without data is refused", "elif not counts.any():", "elif False:"),
    ),
    *rules_of(
        "engine/parts/lagged_effects.py",
        "engine/test_identification.py::test_nobody_seen_on_both_ends_of_one_interval",
        ("a path without data over one interval is refused", "if count == 0:", "if count < 0:"),
    ),
    *rules_of(
        "engine/parts/groups.py",
        "questions/test_group_contrast.py::test_a_panel_with_groups_needs_a_word_about_them",
        ("groups need a word", "spec.group_lags is None:", "False:"),
    ),
    *rules_of(
        "engine/dependence.py",
        "engine/test_dependence.py::test_a_relation_at_one_wave_is_refused_where_it_holds_in_many_people",
        ("a relation in few people is doubtful alone", "count >= self.limits[wave]", "count >= 0"),
        ("a relation in many people is refused", "count >= self.limits[wave]", "count > self.limits[wave]"),
    ),
    *rules_of(
        "engine/identification.py",
        "engine/test_dependence.py::test_counted_measures_may_be_the_same_at_one_wave",
        ("counted measures may be alike at a wave", "(pooled or is_counted)", "pooled"),
    ),
    *rules_of(
        "engine/parts/covariates.py",
        "engine/test_identification_of_latent.py::test_models_that_do_not_fit_a_panel",
        ("covariates are complete", "if unknown.any():", "if False:"),
    ),
    *rules_of(
        "posterior/predictions/checking.py",
        "posterior/test_fitting.py::test_misfit_is_in_either_tail_and_not_at_its_limit",
        (
            "misfit is replicated below completed",
            "larger = indicator(replicated > completed,",
            "larger = indicator(replicated < completed,",
        ),
        ("misfit in either tail", "(larger < LOW) | (larger > HIGH)", "(larger < LOW)"),
        ("exactly .025 is no misfit", "(larger < LOW) | (larger", "(larger <= LOW) | (larger"),
    ),
    *rules_of(
        "posterior/predictions/checking.py",
        "posterior/test_fitting.py::test_overall_misfit_is_a_chi_square_larger_than_replicated_ones",
        (
            "overall misfit is a large chi-square",
            "indicator(second > first, first, second)",
            "indicator(second < first, first, second)",
        ),
        ("overall misfit from .025", '"verdict": "misfit" if larger < LOW', '"verdict": "misfit" if larger > HIGH'),
    ),
    *rules_of(
        "posterior/predictions/normal.py",
        "posterior/test_fitting.py::test_check_compares_observed_with_replicated",
        ("checks are in raw units", "Responses(values * unit + centre,", "Responses(values,"),
    ),
    *rules_of(
        "posterior/prior_draws.py",
        "posterior/test_fitting.py::test_prior_draws_are_those_whose_moments_are_proper",
        ("prior draws are proper", "block[proper] for", "block for"),
    ),
    *rules_of(
        "posterior/predictions/person_tables.py",
        "posterior/test_fitting.py::test_person_scores_are_the_closed_form_averaged_over_draws",
        ("scores of people are in raw units", "drawn * model.unit + centre", "drawn + centre"),
    ),
    *rules_of(
        "posterior/fit.py",
        "questions/test_group_contrast.py::test_one_group_can_be_asked_by_itself",
        ("health of a group is that of all groups", ", examined=self.health", ""),
    ),
    *rules_of(
        "posterior/examining.py",
        "posterior/test_latent_fit.py::test_health_prints_how_far_the_integral_is_off",
        ("integrals are part of health", "return health if error is None else", "return health if True else"),
    ),
    *rules_of(
        "posterior/predictions/normal.py",
        "posterior/test_prediction.py::test_replicated_people_keep_their_covariates",
        ("new people keep their covariates", "centre + values[members][:, n_values:] @ slopes.T", "centre + 0"),
    ),
    *rules_of(
        "posterior/predictions/normal.py",
        "posterior/test_prediction.py::test_replicated_people_have_the_models_moments",
        (
            "innovations of replicated people have their covariance",
            "normals @ lower_factor(residual_covariance).T",
            "normals @ lower_factor(residual_covariance)",
        ),
    ),
    *rules_of(
        "posterior/predictions/forecasting.py",
        "posterior/test_prediction.py::test_the_last_interval_goes_on_with_what_is_removed_from_it_or_equal_in_it",
        ("longer models go on as the last interval", "last = max(wave for", "last = min(wave for"),
    ),
    *rules_of(
        "posterior/predictions/responses.py",
        "posterior/test_prediction.py::test_statistics_are_pandas_own",
        ("a lagged correlation is with the next wave", "elif gap == 1:", "elif gap == 2:"),
    ),
    *rules_of(
        "posterior/predictions/responses.py",
        "posterior/test_prediction.py::test_fewer_than_three_pairs_have_no_correlation",
        ("few pairs have no correlation", "np.where(counts >= 3", "np.where(counts >= 2"),
    ),
    *rules_of(
        "posterior/predictions/forecasting.py",
        "posterior/test_fitting.py::test_forecasts_are_the_closed_form_averaged_over_draws",
        (
            "a forecast knows earlier waves alone",
            "continued_model.before(wave, until=wave)",
            "continued_model.before(wave + 1, until=wave)",
        ),
    ),
    *rules_of(
        "posterior/predictions/forecasting.py",
        "posterior/test_forecasting.py::test_beyond_the_panel_parameters_and_windows_go_on",
        ("free lags go on by the last interval", "length = times[-1] - times[-2]", "length = times[1] - times[0]"),
    ),
    *rules_of(
        "posterior/predictions/normal.py",
        "posterior/test_fitting.py::test_forecasts_are_the_closed_form_averaged_over_draws",
        (
            "a forecast is in raw units",
            "self.variables(targets, thetas, rng) * unit + centre",
            "self.variables(targets, thetas, rng)",
        ),
    ),
    *rules_of(
        "pymc_models/densities.py",
        "questions/test_compare.py::test_the_log_density_is_the_samplers",
        (
            "the likelihood is what is not prior",
            "self(points) - prior.sum(axis=1) - jacobian",
            "self(points) - jacobian",
        ),
        ("the likelihood has no Jacobian", "- prior.sum(axis=1) - jacobian.sum(axis=1)", "- prior.sum(axis=1)"),
    ),
    *rules_of(
        "posterior/samplers.py",
        "posterior/test_many_parameters.py",
        (
            "many parameters are sampled about their mode",
            "model.spec.is_latent or ((at_mode or not learns) and compiled.n_dim <= MOST_SCALED)",
            "model.spec.is_latent or at_mode",
        ),
    ),
    *rules_of(
        "posterior/samplers.py",
        "posterior/test_smaller_steps.py",
        ("a fit that was too coarse is sampled again", "if not reasons:", "if True:"),
        ("an interrupted fit is not sampled again", "if first.interrupted:", "if False:"),
        ("a second attempt warms up longer", "tune = round(LONGER * settings.tune)", "tune = settings.tune"),
        ("a second attempt draws more than it keeps", "thin=MORE * settings.thin", "thin=settings.thin"),
        ("half a second attempt is not kept", 'ended = interrupted if second.interrupted else ""', 'ended = ""'),
        (
            "divergences are a share of all draws",
            "too_coarse(health, first.n_draws, settings.thin)",
            "too_coarse(health, first.n_draws, 1)",
        ),
        (
            "draws outlive an interruption of the second attempt",
            "if kept_now() is not None:\n            raise",
            "raise",
        ),
        (
            "seconds are those of both attempts",
            "getattr(first.settings, name) + getattr(used, name)",
            "getattr(used, name)",
        ),
    ),
    *rules_of(
        "posterior/health.py",
        "posterior/test_smaller_steps.py",
        (
            "a fit is sampled again for divergences",
            "if _diverges(health, n_draws):\n        reasons",
            "if False:\n        reasons",
        ),
        ("a fit is sampled again for R-hat", "if np.isfinite(health.rhat) and _disagrees(health):", "if False:"),
        ("one chain is not sampled again for R-hat", "np.isfinite(health.rhat) and _disagrees", "_disagrees"),
        (
            "a fit is sampled again for few effective draws",
            "        if _few_are_effective(health):\n",
            "        if False:\n",
        ),
        ("few draws are not sampled again for being few", "if n_kept >= ENOUGH_DRAWS:", "if True:"),
        ("draws that are kept count as many", "if n_kept >= ENOUGH_DRAWS:", "if n_draws >= ENOUGH_DRAWS:"),
        ("BFMI is of neighbouring draws", "if ENERGY_CHANGE not in statistics:", "if True:"),
        ("divergences of dropped draws count", "ALL_DIVERGENCES if ALL_DIVERGENCES in statistics else", ""),
        ("the rate is of all draws", "n_draws = thin * chains", "n_draws = chains"),
    ),
    *rules_of(
        "posterior/thinning.py",
        "posterior/test_smaller_steps.py",
        ("every third draw is kept", "slice(thin - 1, n_kept * thin, thin)", "slice(thin - 1, thin - 1 + n_kept)"),
        (
            "a draw is diverging where one before it is",
            'statistics["diverging"] = statistics[ALL_DIVERGENCES] > 0',
            "pass",
        ),
    ),
    *rules_of(
        "posterior/examining.py",
        "posterior/test_smaller_steps.py",
        ("chains are examined once", "return sample.examined or examine(", "return examine("),
    ),
    *rules_of(
        "posterior/fit.py",
        "posterior/test_smaller_steps.py",
        ("other draws are examined", "draws=draws, examined=None)", "draws=draws)"),
    ),
    *rules_of(
        "posterior/sampling.py",
        "posterior/test_smaller_steps.py",
        (
            "a given target_accept is used as given",
            "sample_until_explored if target_accept is None else sample_posterior",
            "sample_until_explored",
        ),
        (
            "chains of both attempts are removed",
            "for attempt in (settings, with_more_care(settings)):",
            "for attempt in (settings,):",
        ),
    ),
    *rules_of(
        "posterior/nutpie_chains.py",
        "posterior/test_keeping.py",
        ("each chain has a seed of its own", "spawn_key=(chain,)", "spawn_key=()"),
        ("finished chains are not drawn again", "if chain not in done]", "if True]"),
        (
            "a chain is kept once it is done",
            "if kept is not None:\n                        kept.save",
            "if False:\n                        kept.save",
        ),
    ),
    *rules_of(
        "posterior/samplers.py",
        "posterior/test_keeping.py",
        ("kept chains are of these data and priors", ".user_data.tobytes()", ".user_data[:1].tobytes()"),
        ("more chains go on from those there are", 'not in ("chains", "cores")', 'not in ("cores",)'),
    ),
    *rules_of(
        "posterior/keeping.py",
        "posterior/test_keeping.py",
        ("kept parts are of these versions", "json.dumps([self._rests_on, rests_on]", "json.dumps([rests_on]"),
        ("chains of the main fit outlive an answer", "self._used - of_others", "self._used | of_others"),
    ),
    *rules_of(
        "posterior/keeping.py",
        "files/test_run_folder.py",
        ("only what this user signed is read", "if secret is None or not hmac", "if secret is None and not hmac"),
    ),
    *rules_of(
        "files/run_folder.py",
        "files/test_run_folder.py",
        (
            "other versions are another run",
            'if before != now:\n            differences.append(f"the version',
            'if False:\n            differences.append(f"the version',
        ),
        (
            "what is kept of another run is removed",
            "if kept is None or _differences(kept, asked, versions):",
            "if False:",
        ),
        ("working storage goes at the end", 'if status == "finished":', "if False:"),
        ("another run that is kept is refused", "for other in (older, kept):", "for other in (older,):"),
    ),
    *rules_of(
        "engine/dynamics.py",
        "engine/test_continuous_time.py",
        (
            "stationary innovations keep the covariance",
            "self.writer.add(moved, moved.T)",
            "moved",
        ),
    ),
    *rules_of(
        "engine/statistics.py",
        "likelihood/test_sandwich.py::test_moments_with_weights_are_numpys",
        ("means are weighted", "np.average(chosen, axis=0, weights=weights)", "chosen.mean(axis=0)"),
        ("scatter is weighted", "np.sqrt(weights)[:, None] * (chosen - mean)", "weights[:, None] * (chosen - mean)"),
        ("people count by their weights", "float(of_members.sum()), mask", "float(len(members)), mask"),
    ),
    *rules_of(
        "engine/kernels/prior_density.py",
        "pymc_models/test_compiling.py::test_density_and_gradient_are_those_of_the_model",
        (
            "log-normal densities have their Jacobian",
            "deviation * deviation - math.log(value)",
            "deviation * deviation",
        ),
        ("bounded parameters have their Jacobian", "total += math.log(width * share * (1.0 - share))", "total += 0.0"),
        compiles=True,
    ),
    *rules_of(
        "engine/kernels/alike.py",
        "engine/test_alike_cells.py::test_log_likelihood_and_gradient",
        (
            "what somebody misses has no slope",
            "slope = slope * lanes_at(seen, row) * lanes_at(seen, column)",
            "slope = slope * spread(1.0)",
        ),
        (
            "a lane is taken once",
            "for lane in range(n_used):\n        pattern",
            "for lane in range(LANES):\n        pattern",
        ),
        compiles=True,
    ),
]

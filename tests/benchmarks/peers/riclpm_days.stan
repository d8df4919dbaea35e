// Random-intercept cross-lagged panel model of a normal measure and days of a window, every linear predictor sampled.
//
// Priors and parameterisation are those of the package's defaults. Of one person let N be the normal values that are
// there and L the linear predictors of days that were counted; with the Cholesky factor (K 0; M T) of their covariance
//   y_N = m_N + K u,  eta_L = m_L + M u + T z,  z ~ Normal(0, I),
// the non-centred form. Days: none / some / all by an ordered logit, some by a beta-binomial without its ends.
data {
  int<lower=3> n_waves;
  int<lower=2> window;
  int<lower=1> n_patterns;
  array[n_patterns] int<lower=1> people;
  array[n_patterns] int<lower=0> n_exact;
  array[n_patterns] int<lower=0> n_latent;
  array[n_patterns, 2 * n_waves] int position; // of exact values, then of latent ones
  array[n_patterns] matrix[2 * n_waves, max(people)] exact; // its first n_exact rows and people columns
  int<lower=0> n_responses;
  array[n_responses] int<lower=0> days; // by pattern, then person, then position
}
transformed data {
  array[n_responses] int none, every, some;
  int n_none = 0;
  int n_every = 0;
  int n_some = 0;
  for (response in 1 : n_responses) {
    if (days[response] == 0) {
      n_none += 1;
      none[n_none] = response;
    } else if (days[response] == window) {
      n_every += 1;
      every[n_every] = response;
    } else {
      n_some += 1;
      some[n_some] = response;
    }
  }
  real k = square(16 * sqrt(3) / (15 * pi()));
}
parameters {
  vector<lower=-1, upper=1>[2] carry_over;
  vector[2] cross_lagged; // effect on the normal measure, then on days
  real<lower=0> total_sd;
  vector<lower=0, upper=1>[2] icc;
  cholesky_factor_corr[2] between;
  cholesky_factor_corr[2] within;
  array[n_waves - 1] vector<lower=0>[2] innovation_ratio;
  array[n_waves - 1] cholesky_factor_corr[2] innovation;
  vector[n_waves] average_at;
  vector[n_waves - 1] latent_mean;
  vector<lower=0, upper=1>[2] share;
  real<lower=0> slope;
  real intercept;
  real interior_slope;
  real<lower=0> precision;
  vector[n_responses] z;
}
model {
  carry_over ~ normal(0.4, 0.25);
  cross_lagged ~ normal(0, 0.2);
  total_sd ~ normal(0, 1);
  icc ~ beta(2, 2);
  between ~ lkj_corr_cholesky(2);
  within ~ lkj_corr_cholesky(2);
  for (interval in 1 : (n_waves - 1)) {
    innovation_ratio[interval] ~ lognormal(0, 0.2);
    innovation[interval] ~ lkj_corr_cholesky(2);
  }
  average_at ~ normal(0, 1);
  latent_mean ~ normal(0, 1);
  share[1] ~ beta(1, 2);
  share[2] ~ beta(1, 1);
  slope ~ lognormal(0.5, 0.5);
  intercept ~ normal(0, 1.5);
  interior_slope ~ normal(0.5, 0.5);
  precision ~ lognormal(log(5), 1);
  z ~ std_normal();

  vector[2] total = [total_sd, 1]';
  vector[2] within_sd = total .* sqrt(1 - icc);
  matrix[2, 2] lagged = [
    [carry_over[1], cross_lagged[1] * within_sd[1] / within_sd[2]],
    [cross_lagged[2] * within_sd[2] / within_sd[1], carry_over[2]]
  ];
  matrix[2, 2] trait = multiply_lower_tri_self_transpose(diag_pre_multiply(total .* sqrt(icc), between));
  matrix[2, 2] state = multiply_lower_tri_self_transpose(diag_pre_multiply(within_sd, within));
  // Innovations are relative to what keeps the variances of the first wave, at least about a twentieth of them.
  vector[2] left = 1 - diagonal(quad_form_sym(state, lagged')) ./ square(within_sd);
  vector[2] steady_sd = within_sd .* sqrt(0.5 * (left + 0.05 + sqrt(square(left - 0.05) + square(0.05))));
  vector[2 * n_waves] mu;
  matrix[2 * n_waves, 2 * n_waves] Sigma;
  for (wave in 1 : n_waves) {
    int first = 2 * wave - 1;
    mu[first] = average_at[wave];
    mu[first + 1] = wave == 1 ? 0 : latent_mean[wave - 1];
    if (wave > 1) {
      state = quad_form_sym(state, lagged') + multiply_lower_tri_self_transpose(
        diag_pre_multiply(innovation_ratio[wave - 1] .* steady_sd, innovation[wave - 1]));
    }
    matrix[2, 2] block = state;
    Sigma[first : first + 1, first : first + 1] = trait + block;
    for (later in (wave + 1) : n_waves) {
      int row = 2 * later - 1;
      block = lagged * block;
      Sigma[row : row + 1, first : first + 1] = trait + block;
      Sigma[first : first + 1, row : row + 1] = (trait + block)';
    }
  }

  vector[n_responses] eta;
  int reached = 0;
  for (p in 1 : n_patterns) {
    int e = n_exact[p];
    int l = n_latent[p];
    int n = people[p];
    array[e + l] int order = position[p, 1 : e + l];
    matrix[e + l, e + l] L = cholesky_decompose(Sigma[order, order]);
    matrix[e, n] u;
    if (e > 0) {
      u = mdivide_left_tri_low(L[1 : e, 1 : e], exact[p, 1 : e, 1 : n] - rep_matrix(mu[order[1 : e]], n));
      target += -n * sum(log(diagonal(L[1 : e, 1 : e]))) - 0.5 * sum(columns_dot_self(u));
    }
    if (l > 0) {
      matrix[l, n] here = rep_matrix(mu[order[(e + 1) : (e + l)]], n)
                          + L[(e + 1) : (e + l), (e + 1) : (e + l)]
                            * to_matrix(z[(reached + 1) : (reached + l * n)], l, n);
      if (e > 0) {
        here += L[(e + 1) : (e + l), 1 : e] * u;
      }
      eta[(reached + 1) : (reached + l * n)] = to_vector(here);
      reached += l * n;
    }
  }

  real spread = sqrt(1 + k * square(slope));
  real none_cut = logit(share[1]) * spread;
  real all_cut = -logit((1 - share[1]) * (1 - share[2])) * spread;
  target += sum(log_inv_logit(none_cut - slope * eta[none[1 : n_none]]));
  target += sum(log_inv_logit(slope * eta[every[1 : n_every]] - all_cut));
  vector[n_some] inner = eta[some[1 : n_some]];
  target += sum(log_inv_logit(all_cut - slope * inner)) + sum(log_inv_logit(slope * inner - none_cut))
            + n_some * log1m_exp(none_cut - all_cut);
  vector[n_some] m = inv_logit(intercept + interior_slope * inner);
  target += beta_binomial_lpmf(days[some[1 : n_some]] | window, precision * m, precision * (1 - m));
  real whole = lgamma(precision + window) - lgamma(precision);
  target += -sum(log1m(
    exp(lgamma(precision * (1 - m) + window) - lgamma(precision * (1 - m)) - whole)
    + exp(lgamma(precision * m + window) - lgamma(precision * m) - whole)));
}

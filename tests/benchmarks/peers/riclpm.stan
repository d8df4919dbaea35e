// Random-intercept cross-lagged panel model, equal lags, from moments per missing pattern.
//
// Priors and parameterisation are those of the package's defaults: lagged effects in within-person SDs of the
// first wave, total SD and intraclass correlation, correlations by LKJ(2). Random intercepts and within-person
// states are integrated out. Per pattern the data are n, the mean, and F with F F' = scatter, so that
//   log p = -n/2 (s log 2 pi + log det Sigma) - |L^-1 [F, sqrt(n) (mean - mu)]|^2 / 2,  Sigma = L L'.
data {
  int<lower=2> n_measures;
  int<lower=3> n_waves;
  int<lower=1> n_patterns;
  vector<lower=1>[n_patterns] people;
  array[n_patterns] int<lower=1> size;
  array[n_patterns, n_waves * n_measures] int position; // the first size[p] are used
  array[n_patterns] vector[n_waves * n_measures] average;
  array[n_patterns] int<lower=0> rank;
  array[n_patterns] matrix[n_waves * n_measures, n_waves * n_measures] factor; // its first rank[p] columns
}
transformed data {
  int n_values = n_waves * n_measures;
  vector[n_patterns] root = sqrt(people);
}
parameters {
  vector<lower=-1, upper=1>[n_measures] carry_over;
  vector[n_measures * (n_measures - 1)] cross_lagged; // by outcome, then predictor
  vector<lower=0>[n_measures] total_sd;
  vector<lower=0, upper=1>[n_measures] icc;
  cholesky_factor_corr[n_measures] between;
  cholesky_factor_corr[n_measures] within;
  array[n_waves - 1] vector<lower=0>[n_measures] innovation_ratio;
  array[n_waves - 1] cholesky_factor_corr[n_measures] innovation;
  array[n_waves] vector[n_measures] average_at;
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
  for (wave in 1 : n_waves) {
    average_at[wave] ~ normal(0, 1);
  }

  vector[n_measures] within_sd = total_sd .* sqrt(1 - icc);
  matrix[n_measures, n_measures] lagged;
  {
    int entry = 1;
    for (outcome in 1 : n_measures) {
      for (predictor in 1 : n_measures) {
        if (predictor == outcome) {
          lagged[outcome, predictor] = carry_over[outcome];
        } else {
          lagged[outcome, predictor] = cross_lagged[entry] * within_sd[outcome] / within_sd[predictor];
          entry += 1;
        }
      }
    }
  }
  matrix[n_measures, n_measures] trait = multiply_lower_tri_self_transpose(
    diag_pre_multiply(total_sd .* sqrt(icc), between));
  matrix[n_measures, n_measures] state = multiply_lower_tri_self_transpose(diag_pre_multiply(within_sd, within));
  // Innovations are relative to what keeps the variances of the first wave, at least about a twentieth of them.
  vector[n_measures] left = 1 - diagonal(quad_form_sym(state, lagged')) ./ square(within_sd);
  vector[n_measures] steady_sd = within_sd .* sqrt(0.5 * (left + 0.05 + sqrt(square(left - 0.05) + square(0.05))));
  vector[n_values] mu;
  matrix[n_values, n_values] Sigma;
  for (wave in 1 : n_waves) {
    int first = (wave - 1) * n_measures;
    mu[first + 1 : first + n_measures] = average_at[wave];
    if (wave > 1) {
      state = quad_form_sym(state, lagged') + multiply_lower_tri_self_transpose(
        diag_pre_multiply(innovation_ratio[wave - 1] .* steady_sd, innovation[wave - 1]));
    }
    matrix[n_measures, n_measures] block = state;
    Sigma[first + 1 : first + n_measures, first + 1 : first + n_measures] = trait + block;
    for (later in (wave + 1) : n_waves) {
      int row = (later - 1) * n_measures;
      block = lagged * block;
      Sigma[row + 1 : row + n_measures, first + 1 : first + n_measures] = trait + block;
      Sigma[first + 1 : first + n_measures, row + 1 : row + n_measures] = (trait + block)';
    }
  }

  for (p in 1 : n_patterns) {
    int s = size[p];
    array[s] int seen = position[p, 1 : s];
    matrix[s, s] L = cholesky_decompose(Sigma[seen, seen]);
    target += -people[p] * sum(log(diagonal(L)))
              - 0.5 * dot_self(mdivide_left_tri_low(L, root[p] * (average[p, 1 : s] - mu[seen])));
    if (rank[p] > 0) {
      target += -0.5 * sum(columns_dot_self(mdivide_left_tri_low(L, factor[p, 1 : s, 1 : rank[p]])));
    }
  }
}

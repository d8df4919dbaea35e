"""Regressions, and outcomes under other regimes.

Random-intercept regressions, for `questions.association`: `rows` chooses and checks the rows, `designs`
refuses rank-deficient designs, `random_intercepts` takes the design and the priors from Bambi, and
`exact_posterior` draws from the posterior without a sampler: a tenth of a second where NUTS takes ten.

Counterfactuals: an `equations.Equation`, a `regression` fitted by Bambi (`bambi_fit`) or the `waves` of a fitted panel
model are equations of variables; `causal_order` puts them in order, `regimes` are interventions on treatments, and
`simulate_regimes` is the g-formula by simulation.
"""

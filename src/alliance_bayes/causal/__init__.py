"""Regressions, and what would be under other regimes.

Random-intercept regressions, as `questions.association` asks them: `rows` chooses and checks the rows, `designs`
refuses coefficients that cannot be distinguished, `random_intercepts` takes the design and the priors from Bambi, and
`exact_posterior` draws from the posterior without a sampler: a tenth of a second where NUTS takes ten.

Counterfactuals: an `equations.Equation`, a `regression` fitted by Bambi (`bambi_fit`) or the `waves` of a fitted panel
model are equations of variables; `causal_order` puts them in order, `regimes` say what is done to a treatment, and
`simulate_regimes` is the g-formula by simulation.
"""

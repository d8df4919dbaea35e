"""Regressions with a random intercept per person: rows, Bambi's model, exact posterior."""

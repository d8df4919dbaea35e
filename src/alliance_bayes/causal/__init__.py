"""Regressions in causal order, regimes and the g-formula."""

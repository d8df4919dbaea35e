"""Bayesian causal modelling of panels: who leads whom, and how sure the data allow one to be."""

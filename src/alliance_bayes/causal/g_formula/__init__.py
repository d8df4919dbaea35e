"""The g-formula: conditional models in causal order, simulated forward under regimes, draw by draw."""

"""Compiled code: programs, implied moments, likelihoods and priors. It reads arrays, and knows nothing of specs."""

"""Measures that are not normal: each person's latent numbers integrated out inside the log density."""

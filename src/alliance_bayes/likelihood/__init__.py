"""Maximum likelihood: estimates, the saturated model, fit, tests, robust errors, residuals."""

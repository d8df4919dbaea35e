"""Model files: data, model, priors and the questions to be asked, all in one TOML file."""

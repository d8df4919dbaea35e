"""Response families: how a value comes about, given the linear predictor whose dynamics are modelled."""

"""Calibration: whether intervals, probabilities and verdicts mean what they say, for any model and panel."""

"""Panels from known equations: a truth, and persons drawn from it.

Nothing here is shared with the likelihood: shocks are drawn and summed person by person, so that
recovering a simulated truth is evidence. `truth` describes and checks, `stable_factors` and `dynamics`
hold the equations, `drawing` adds shocks up, `state` follows people in whom something comes and goes, `responses` makes
counts and answers of linear predictors, `panels` lays them out.
"""

from .groups import GroupTruth
from .missing import Missing
from .panels import simulate
from .truth import Truth

__all__ = ["GroupTruth", "Missing", "Truth", "simulate"]

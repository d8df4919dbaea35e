"""The calibrated synthetic sponsor study and its companions.

Persons, sponsors and the four processes are drawn from an `alliance_bayes.Truth` (`processes`). Of its own is only what
a `Truth` does not say: days whose shares of none and of all change from wave to wave, several measures of one process
(meetings and six activities of participation, a mean of the alliance's items that were answered), contacts counted up
to 7, an effect of the sponsor that begins after entry (`answers`), interviews that depend on persons, answers that some
never give (`answers` too), and categories at entry (`covariates`).
"""

from .study import SponsorStudy, sponsor_study
from .truths import SponsorTruth

__all__ = ["SponsorStudy", "SponsorTruth", "sponsor_study"]

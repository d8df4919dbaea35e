"""The calibrated synthetic sponsor study and its companions, from equations of their own."""

from .study import SponsorStudy, sponsor_study
from .truths import SponsorTruth

__all__ = ["SponsorStudy", "SponsorTruth", "sponsor_study"]

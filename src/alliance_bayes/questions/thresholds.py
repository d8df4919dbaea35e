"""From which size an effect counts, and how sure a verdict has to be: one default and one check for all questions."""

from ..problems import Problems

__all__ = ["CERTAINTY", "MARGIN", "check_certainty", "check_margin"]

MARGIN = 0.03
CERTAINTY = 0.95


def check_margin(margin: float, problems: Problems) -> None:
    """Note a margin that is no size of a standardised effect."""
    if not 0 < margin < 1:
        problems.add(f"margin must lie between 0 and 1, in SD per SD; got {margin!r}.")


def check_certainty(certainty: float, problems: Problems) -> None:
    """Note a certainty that no verdict could need."""
    if not 0.5 < certainty < 1:
        problems.add(f"certainty must lie between 0.5 and 1; got {certainty!r}.")

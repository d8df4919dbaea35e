"""From which size an effect counts, and how sure a verdict has to be: one default and one check for all questions."""

from ..basics.given import check_number
from ..basics.problems import Problems

__all__ = ["CERTAINTY", "MARGIN", "check_certainty", "check_margin"]

MARGIN = 0.03
CERTAINTY = 0.95


def check_margin(margin: object, problems: Problems) -> None:
    """Note a margin that is no size of a standardised effect."""
    check_number("margin", margin, problems, above=0, below=1, unit=", in SD per SD")


def check_certainty(certainty: object, problems: Problems) -> None:
    """Note a certainty that no verdict could need."""
    check_number("certainty", certainty, problems, above=0.5, below=1)

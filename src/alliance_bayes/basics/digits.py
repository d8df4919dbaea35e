"""Numbers as tables print them: as many digits as their error leaves them, and probabilities that are never 0 or 1."""

import math

__all__ = ["p_in_words", "to_the_error", "with_error"]

MOST_DECIMALS = 5


def to_the_error(value: float, error: float) -> str:
    """A number with three decimals; with fewer where its error is 10 or more, with more where it is below .01.

    Then the first two digits of the error stand, and where there is no error those of the number itself.

    Examples
    --------
    >>> to_the_error(0.40580, 0.16103), to_the_error(1234.5, 178.2), to_the_error(0.0000314, 0.00000677)
    ('0.406', '1234', '3.14e-05')
    """
    if not math.isfinite(value):
        return str(value)
    size = error if math.isfinite(error) and error > 0 else abs(value)
    decimals = 3
    if size >= 10:
        decimals = max(2 - math.floor(math.log10(size)), 0)
    elif 0 < size < 0.01:
        decimals = 1 - math.floor(math.log10(size))
    if decimals > MOST_DECIMALS and value:
        return f"{value:.{max(decimals + math.floor(math.log10(abs(value))), 0)}e}"
    return f"{value:.{decimals}f}"


def with_error(value: float, error: float) -> tuple[str, str]:
    """A number and its error, with the same decimals."""
    return to_the_error(value, error), to_the_error(error, error)


def p_in_words(p: float) -> str:
    """A p-value with three decimals.

    Examples
    --------
    >>> p_in_words(0.01234), p_in_words(0.0004), p_in_words(0.9997)
    ('.012', '< .001', '> .999')
    """
    if math.isnan(p):
        return "nan"
    if p < 0.001:
        return "< .001"
    return "> .999" if p > 0.999 else f"{p:.3f}"[1:]

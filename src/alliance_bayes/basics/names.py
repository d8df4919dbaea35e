"""Names that several modules share: dims, lagged paths, and how names are quoted in messages."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = [
    "ARROW",
    "choices",
    "counted",
    "did_you_mean",
    "in_words",
    "lagged_path",
    "lagged_paths",
    "number",
    "quoted",
    "split_path",
    "with_article",
]

ARROW = " -> "


def lagged_path(predictor: str, outcome: str) -> str:
    """Name of a lagged effect: the predictor one wave earlier, then the outcome.

    Examples
    --------
    >>> lagged_path("alliance", "days")
    'alliance -> days'
    """
    return f"{predictor}{ARROW}{outcome}"


def lagged_paths(measures: Sequence[str]) -> tuple[str, ...]:
    """Names of all lagged effects, those of a measure on itself included: by outcome, then predictor.

    Examples
    --------
    >>> lagged_paths(["alliance", "days"])
    ('alliance -> alliance', 'days -> alliance', 'alliance -> days', 'days -> days')
    """
    return tuple(lagged_path(predictor, outcome) for outcome in measures for predictor in measures)


def split_path(path: str) -> tuple[str, str] | None:
    """Predictor and outcome of a lagged path, or None where `path` is not one.

    Examples
    --------
    >>> split_path("alliance->days")
    ('alliance', 'days')
    """
    parts = [part.strip() for part in path.split("->")]
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def quoted(names: Iterable[object], *, most: int = 12) -> str:
    """Names in quotes, with commas, and a count of those beyond `most`.

    Examples
    --------
    >>> quoted(["alliance", "days"])
    "'alliance', 'days'"
    """
    listed = [f"'{name}'" if isinstance(name, str) else str(name) for name in names]
    shown = ", ".join(listed[:most])
    return shown if len(listed) <= most else f"{shown} and {len(listed) - most} more"


def did_you_mean(name: object, valid: Iterable[object]) -> str:
    """Return the nearest valid name as a question, or nothing where none is near.

    Examples
    --------
    >>> did_you_mean("aliance", ["alliance", "days"])
    "; did you mean 'alliance'?"
    """
    near = get_close_matches(str(name), [text for text in valid if isinstance(text, str)], n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def choices(name: object, valid: Iterable[object], label: str) -> str:
    """End of a sentence about an unknown name: the nearest valid one, then all of them.

    Examples
    --------
    >>> "No measure 'aliance'" + choices("aliance", ["alliance", "days"], "Measures")
    "No measure 'aliance'; did you mean 'alliance'? Measures: 'alliance', 'days'."
    >>> "No covariate 'age'" + choices("age", [], "Covariates")
    "No covariate 'age'; there are none."
    """
    known = list(valid)
    if not known:
        return "; there are none."
    return f"{did_you_mean(name, known) or '.'} {label}: {quoted(known, most=30)}."


def with_article(words: str) -> str:
    """Words after "a" or "an".

    Examples
    --------
    >>> with_article("autoregressive model"), with_article("STARTS model")
    ('an autoregressive model', 'a STARTS model')
    """
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def number(value: float) -> str:
    """Shortest plain form of a number: whole numbers without a decimal point.

    Examples
    --------
    >>> number(6.0), number(1.5)
    ('6', '1.5')
    """
    return f"{value:.10g}"


def counted(count: int, what: str) -> str:
    """A number of things, such as "1 value" or "1,000 values".

    Examples
    --------
    >>> counted(1, "value"), counted(1000, "value")
    ('1 value', '1,000 values')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"


def in_words(names: Sequence[str]) -> str:
    """Names as a phrase: commas, and `and` before the last.

    Examples
    --------
    >>> in_words(["alliance", "contact", "days"])
    'alliance, contact and days'
    """
    return ", ".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"

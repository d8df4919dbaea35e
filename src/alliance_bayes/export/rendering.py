"""Numbers and sums as text of limited width."""

from collections.abc import Mapping, Sequence

from ..basics.names import number
from .statements import Product

__all__ = ["number_in_full", "product", "wrapped"]


def number_in_full(value: float) -> str:
    """Shortest text that gives the number back.

    Examples
    --------
    >>> number_in_full(1.0), number_in_full(1 / 3)
    ('1', '0.3333333333333333')
    """
    return number(value) if float(number(value)) == value else repr(value)


def product(term: Product, label: Mapping[str, str]) -> str:
    """A signed product of labelled parameters.

    Examples
    --------
    >>> product(Product(-1.0, ("x -> y", "within variance x")), {"x -> y": "p1", "within variance x": "p2"})
    '-p1*p2'
    """
    factors = [label[name] for name in term.parameters]
    if not factors or abs(term.factor) != 1:
        factors.insert(0, number_in_full(abs(term.factor)))
    return ("-" if term.factor < 0 else "") + "*".join(factors)


def wrapped(start: str, terms: Sequence[str], width: int) -> list[str]:
    """A sum over as many lines as it needs; a line that goes on ends in its sign.

    Examples
    --------
    >>> wrapped("p1 = ", ["p2", "-p3*p4"], 10)
    ['p1 = p2 -', '    p3*p4']
    """
    lines = [start + terms[0]]
    for term in terms[1:]:
        sign, bare = (" - ", term[1:]) if term.startswith("-") else (" + ", term)
        if len(lines[-1]) + len(sign) + len(bare) + 2 <= width:
            lines[-1] += sign + bare
        else:
            lines[-1] += sign.rstrip()
            lines.append("    " + bare)
    return lines

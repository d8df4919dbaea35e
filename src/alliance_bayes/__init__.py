"""Bayesian causal modelling of panels: who leads whom, and how sure the data allow one to be."""

from typing import Any

from lazy_loader import attach_stub

from .basics.collector import collector_paused

__version__ = "0.1.0"
_first_use, __dir__, _public = attach_stub(__name__, __file__)
__all__ = [*_public, "__version__"]


def __getattr__(name: str) -> Any:
    with collector_paused():
        public = _first_use(name)
    if not isinstance(public, type):
        return public
    from .basics.calls import answering_in_words

    return answering_in_words(public)

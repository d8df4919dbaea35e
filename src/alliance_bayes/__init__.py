"""Bayesian causal modelling of panels: who leads whom, and how sure the data allow one to be."""

from lazy_loader import attach_stub

__version__ = "0.1.0"
__getattr__, __dir__, _public = attach_stub(__name__, __file__)
__all__ = [*_public, "__version__"]

"""Implied means and covariances of stacked waves, and what data need to meet them: no PyMC."""

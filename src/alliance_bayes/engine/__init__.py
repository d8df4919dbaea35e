"""Spec and panel to linear systems, programs and kernels."""

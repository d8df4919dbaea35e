"""Draws of a posterior, how far they can be trusted, and what is predicted from them."""

"""Model files: what is to be fitted, to which columns, and what is asked of it."""

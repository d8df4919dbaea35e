"""`python -m alliance_bayes` is the command `alliance-bayes`."""

from .cli import main

main()

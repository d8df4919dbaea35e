"""Numbers to axes: the figures of the answers, which know nothing of fits."""

"""Many replicates of one piece of work, on the processors of one machine or on many machines."""

from .replicates import Replicate
from .results import BatchResults, read_batch
from .running import run_batch

__all__ = ["BatchResults", "Replicate", "read_batch", "run_batch"]

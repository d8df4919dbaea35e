"""How every kernel of this folder is compiled."""

from numba import njit

from .caching import share_one_stamp

__all__ = ["compiled"]

share_one_stamp()
compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})

"""The steps of a program: their codes, and what stands where in each.

A step is a row of integers: its code, a size, the register of its first result, then its operands, which are registers
too. Whoever writes, runs, differentiates or translates a program reads them by these names.

=====================  ==============  =================================================================
step                   size            operands
=====================  ==============  =================================================================
gather                 of the vector   every entry's register, from `FIRST` on; a negative one stands for 0
add ... exponential    of the vector   `FIRST`, and `SECOND` where there are two vectors
product                rows            `FIRST`, of shape (rows, `INNER`), and `SECOND`, (`INNER`, `COLUMNS`)
covariance             of the matrix   `FIRST`: SDs; `SECOND`: partial correlations, mapped to (0, 1)
transition             of the matrix   `FIRST`: drift; `SECOND`: noise; `COUNT` lengths, from `LENGTHS` on
all others             of the matrix   `FIRST`: the matrix
=====================  ==============  =================================================================
"""

__all__ = [
    "ADD",
    "COLUMNS",
    "CORRELATIONS",
    "COUNT",
    "COVARIANCE",
    "DIVIDE",
    "EXPONENTIAL",
    "FIRST",
    "GATHER",
    "INNER",
    "INVERSE",
    "LENGTHS",
    "MULTIPLY",
    "NAMES",
    "POSITIVE_DEFINITE",
    "PRODUCT",
    "RESULT",
    "SECOND",
    "SIZE",
    "SQUARE_ROOT",
    "SUBTRACT",
    "TRANSITION",
]

NAMES = (
    "gather", "add", "subtract", "multiply", "divide", "square_root", "exponential", "product", "covariance",
    "inverse", "correlations", "positive_definite", "transition",
)  # fmt: skip
"""Name of each code, for messages."""
(
    GATHER, ADD, SUBTRACT, MULTIPLY, DIVIDE, SQUARE_ROOT, EXPONENTIAL, PRODUCT, COVARIANCE,
    INVERSE, CORRELATIONS, POSITIVE_DEFINITE, TRANSITION,
) = range(len(NAMES))  # fmt: skip

SIZE, RESULT, FIRST, SECOND, INNER, COLUMNS = range(1, 7)
LENGTHS, COUNT = INNER, COLUMNS
"""Places in a step, whose code stands at 0."""

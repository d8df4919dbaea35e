"""A fit and its answers as one HTML page; no statistics of its own."""

"""Kolmogorov n-widths of families of solutions: what a linear space of dimension n can and cannot represent."""

"""Compressed features against noisy labels: nested dropout, co-teaching, and the decomposition of their risk."""

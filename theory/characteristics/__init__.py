"""Scalar transport equations on their characteristics: exact solutions, shocks, and the equations in labels."""

"""The claims engine."""

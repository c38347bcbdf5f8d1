"""Learning with noisy labels: early learning and memorization in the linear model, and a regularizer against it."""

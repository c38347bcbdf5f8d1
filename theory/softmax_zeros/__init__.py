"""Complex zeros of the softmax partition function and the step sizes they limit (arXiv 2603.13552)."""

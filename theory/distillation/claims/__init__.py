"""Claims of the distillation papers, one folder a paper."""

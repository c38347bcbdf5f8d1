"""Scientific machine learning: solvers and networks constrained by differential equations, one topic a subpackage."""

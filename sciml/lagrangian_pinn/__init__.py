"""Physics-informed networks for transport equations, on the characteristics and, as the control, in a fixed frame."""

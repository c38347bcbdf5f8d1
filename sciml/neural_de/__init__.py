"""Neural ODEs and SDEs whose training sees the solver's cost: error and stiffness estimates on the tape."""

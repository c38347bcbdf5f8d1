"""Constants that a generator must not pick up merely because this module is loaded."""

CONSTANTS = (123.456, -77.7, 911.5, 0.31415)

"""The statistics of :func:`~sciml.neural_de.solve` from solves by other libraries, which stay as they are.

Each module needs the library it is named after, and is imported by itself.
"""

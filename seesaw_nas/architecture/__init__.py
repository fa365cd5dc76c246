"""An architecture as one frozen value: spec, exact cost, file, and the paper's networks by name.

Loads without torch and numpy.
"""

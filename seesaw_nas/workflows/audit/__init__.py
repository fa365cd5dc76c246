"""How well evaluators rank architectures, held against trainings: the statistics, and what they rest on.

Importing this alone loads nothing.
"""

BAND = 0.06  # by which share the Multi-Adds within a band differ at most
BOOTSTRAP = 1000  # resamples

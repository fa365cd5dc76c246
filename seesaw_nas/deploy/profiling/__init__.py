"""Measures latency profiles: random networks timed end to end, and a time for every block fitted to them.

Importing this does not load torch.
"""

"""The parts of benchmarks/gpu.py: each measures one thing within its own seconds and keeps every figure at once.

``subjects`` alone touches the product's training step, supernet and executions; the other files call it or the command
line.
"""

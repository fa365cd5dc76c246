"""Basics for all other packages: errors, options, units, files, the run folder, the conditions of a figure."""

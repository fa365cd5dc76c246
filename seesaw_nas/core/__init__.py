"""What every other package may use: errors, units, files, the run folder, the conditions of a figure."""

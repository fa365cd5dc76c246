"""A trained network where it is used: exported to files, timed, asked about pictures, scored."""

"""Uses of trained networks: export to files, latency, classification of pictures, accuracy."""

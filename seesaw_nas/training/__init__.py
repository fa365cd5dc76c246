"""Training a network: recipes, batches, steps, checkpoints, several processes, and weights shared by a whole space."""

"""The trial history of a run: a file of its own, or an Optuna study in a database."""

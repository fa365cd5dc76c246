"""The trial history of a run: an Optuna study in a file or a database."""

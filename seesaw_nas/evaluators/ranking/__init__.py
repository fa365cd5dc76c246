"""Statistics on how well evaluators rank architectures, compared with trainings."""

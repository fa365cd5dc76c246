"""How well evaluators rank architectures, held against trainings: the statistics, and what they rest on."""

"""The pages of a report: HTML files that work without a network."""

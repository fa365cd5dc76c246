"""What is learnt from the trials of a search: predicted top-1, and what each choice is worth."""

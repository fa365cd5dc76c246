"""What is learnt from the trials of a search: what architectures are worth, and what each choice adds."""

"""What each verb does in its run folder: a search, a training, a supernet, a table, an audit."""

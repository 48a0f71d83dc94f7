"""One file per command, and the reading of their arguments."""

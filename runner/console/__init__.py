"""The terminal: progress, tables, messages, and the signals that stop a run."""

"""Training, evaluating and loading a run."""

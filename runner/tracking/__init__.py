"""Experiment trackers: Weights & Biases, TensorBoard, a table of the records."""

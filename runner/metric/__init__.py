"""Scores of codes against known factors: arrays in, named numbers out, no model in sight."""

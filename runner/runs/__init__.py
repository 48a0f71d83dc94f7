"""The story of one run: training, evaluating and opening it again."""

"""Documents as counts of the words of a vocabulary."""

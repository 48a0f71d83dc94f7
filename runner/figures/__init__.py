"""Every plot of a run or of several, in one style."""

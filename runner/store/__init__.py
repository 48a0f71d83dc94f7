"""Files on disk: run folders, checkpoints, scores, locks."""

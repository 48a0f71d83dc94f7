"""What lies on disk: run folders, checkpoints, scores, locks."""

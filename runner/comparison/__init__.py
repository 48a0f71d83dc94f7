"""Many runs side by side: read, gathered into cells, counted, drawn."""

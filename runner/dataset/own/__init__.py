"""The user's own images: folders of files and arrays, read once into a checked cache."""

"""A comparison for people: the table in the terminal, the files, the HTML page."""

"""Reports: a self-contained page, `properties.json`, and the table for the terminal."""

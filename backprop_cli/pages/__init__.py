"""Pages to step through in a browser: one file, with an engine of its own rows and no network."""

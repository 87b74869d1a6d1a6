"""One command per file; ``main`` is the entry point."""

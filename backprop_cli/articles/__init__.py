"""Articles: what the lines of a text claim, worked out again."""

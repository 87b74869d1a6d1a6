"""What a reader is told of a computation: data, not text."""

DETAILS = ("short", "normal", "full")
"""How much is told."""

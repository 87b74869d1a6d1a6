"""What a reader is told of a computation: data, not text."""

__all__ = ["DETAILS"]

DETAILS = ("short", "normal", "full")
"""How much is told."""

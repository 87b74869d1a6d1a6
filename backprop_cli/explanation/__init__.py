"""What a reader is told of a computation: data, not text."""

"""Text to graphs, and back."""

"""Exercises: tasks drawn from templates, with their answers, and the mistakes that make wrong ones."""

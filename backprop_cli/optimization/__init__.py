"""Optimizers, schedules, gradient descent on an expression and least squares."""

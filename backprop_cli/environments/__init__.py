"""Environments to act in: a bandit, a gridworld, cart-pole; and what is exact where states can be listed."""

from .settings import Environment

__all__ = ["Environment"]

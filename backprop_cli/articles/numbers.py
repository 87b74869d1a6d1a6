"""The numbers of a text, as they are written."""

from __future__ import annotations

NUMBER = r"[-+−]?\s*(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def plain_number(text: str) -> str:
    """Write a number without commas and blanks, its minus as we write it."""
    return "".join(text.replace(",", "").replace("−", "-").split())

"""Training configs: read, check, resolve and write."""

from .loading import (
    Loaded,
    from_resolved,
    leaves,
    load,
    loads,
    monitored,
    resolved,
    text_of,
    to_yaml,
    watched,
)

__all__ = [
    "Loaded",
    "from_resolved",
    "leaves",
    "load",
    "loads",
    "monitored",
    "resolved",
    "text_of",
    "to_yaml",
    "watched",
]

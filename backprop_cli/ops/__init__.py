"""The registry of primitives. Importing it imports neither NumPy nor SymPy."""

from . import composed as composed  # its rows are in the registry from here on
from .elementwise import PRIMITIVES
from .primitive import Primitive, Shape

__all__ = ["ALIASES", "FUNCTIONS", "PRIMITIVES", "Primitive", "Shape"]

ALIASES = {"ln": "log", "pow": "power", "power": "power"}

FUNCTIONS: dict[str, Primitive] = {
    **{name: row for name, row in PRIMITIVES.items() if row.callable},
    **{alias: PRIMITIVES[name] for alias, name in ALIASES.items()},
}
"""What a user can call by name."""

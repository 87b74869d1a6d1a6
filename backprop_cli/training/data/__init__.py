"""The rows of a config: read, completed, divided, encoded."""

from .labelled import encode_block, load_labelled, open_rows
from .loading import WEIGHTS, FormulaSplits, Splits, load, load_formula
from .rows import Rows, Spilled
from .streaming import load_stream, read_labelled

__all__ = [
    "WEIGHTS",
    "FormulaSplits",
    "Rows",
    "Spilled",
    "Splits",
    "encode_block",
    "load",
    "load_formula",
    "load_labelled",
    "load_stream",
    "open_rows",
    "read_labelled",
]

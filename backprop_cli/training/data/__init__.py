"""The rows of a config: read, completed, divided, encoded."""

from .loading import (
    WEIGHTS,
    FormulaSplits,
    Rows,
    Splits,
    encode_block,
    load,
    load_formula,
    load_labelled,
    open_rows,
)

__all__ = [
    "WEIGHTS",
    "FormulaSplits",
    "Rows",
    "Splits",
    "encode_block",
    "load",
    "load_formula",
    "load_labelled",
    "open_rows",
]

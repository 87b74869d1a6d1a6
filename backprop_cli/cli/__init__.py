"""One command per file; ``main`` is the entry point."""

from .interrupts import begin

begin()  # before anything else is imported

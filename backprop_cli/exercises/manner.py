"""How exercises are written: in which language, with a point or a comma before decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from ..language.numbers import with_commas

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = ("en", "de")

WORDS: Mapping[str, tuple[str, str]] = {
    "task": ("Task {k}", "Aufgabe {k}"),
    "task of": ("{title}, task {k}", "{title}, Aufgabe {k}"),
    "kind": ("{kind}, level {level}", "{kind}, Stufe {level}"),
    "seed": ("seed {seed}", "Startwert {seed}"),
    "mark": ("{n} mark", "{n} Punkt"),
    "marks": ("{n} marks", "{n} Punkte"),
    "at": ("at {point}", "für {point}"),
    "step": (
        "one step of {optimizer} with rate {rate} on the loss {loss}",
        "ein Schritt von {optimizer} mit Rate {rate} für den Verlust {loss}",
    ),
    "rounded": (
        "the result of every operation rounded to {n} decimals",
        "das Ergebnis jeder Rechnung auf {n} Nachkommastellen gerundet",
    ),
    "rounded once": (
        "the result of every operation rounded to 1 decimal",
        "das Ergebnis jeder Rechnung auf 1 Nachkommastelle gerundet",
    ),
    "digit": ("to {n} significant digit", "auf {n} gültige Ziffer"),
    "digits": ("to {n} significant digits", "auf {n} gültige Ziffern"),
    "decimal": ("to {n} decimal", "auf {n} Nachkommastelle"),
    "decimals": ("to {n} decimals", "auf {n} Nachkommastellen"),
    "formula": ("a formula", "eine Formel"),
    "answers": ("Answers", "Lösungen"),
    "worked out": ("Task {k}, worked out", "Aufgabe {k}, ausgerechnet"),
    "of task": ("task", "Aufgabe"),
    "code": ("code", "Code"),
    "of": ("of", "gesucht"),
    "answer": ("answer", "Lösung"),
}
"""What stands on a sheet, a row a phrase, in the order of `LANGUAGES`."""


class Manner(NamedTuple):
    """How exercises are written.

    Attributes:
        language: Of the words around the mathematics.
        comma: Decimals have a comma, and lists of numbers a semicolon.
    """

    language: Language = "en"
    comma: bool = False

    def says(self, phrase: str, **parts: object) -> str:
        """Return a phrase with its parts put in."""
        return WORDS[phrase][LANGUAGES.index(self.language)].format(**parts)

    def several(self, texts: Iterable[str]) -> str:
        """Return texts that may be numbers as a list."""
        return f"{self.separator} ".join(texts)

    @property
    def separator(self) -> str:
        """What stands between numbers, and between the cells of a table."""
        return ";" if self.comma else ","

    def number(self, text: str) -> str:
        """Return a text with its decimals as they are written here."""
        return with_commas(text) if self.comma else text


USUAL = Manner()

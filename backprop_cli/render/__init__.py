"""Reports as text; no number of an answer is computed here."""

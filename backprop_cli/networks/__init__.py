"""Networks: layers, losses, formulas and programs, lowered to graphs."""

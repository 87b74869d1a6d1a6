"""Networks: layers, losses and formulas, lowered to graphs."""

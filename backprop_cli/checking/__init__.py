"""Claims judged: numbers and formulas for values and derivatives, and the mistake behind a wrong one."""

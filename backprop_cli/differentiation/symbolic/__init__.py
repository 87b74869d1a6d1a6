"""The symbolic method: what SymPy finds of a program, in a process of its own.

`process` is our end of it and imports no SymPy; `server` is the other end.
"""

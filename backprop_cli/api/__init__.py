"""What Python users call: every command of the command line as a function.

Names and arguments are those of the commands and their options; ``docs/python.md`` shows each. What is
called as an option of a function goes into its dictionary of bindings.
"""

"""The commands and what each is for; their modules are imported when they are called."""

from __future__ import annotations

COMMANDS = {
    "eval": "Value of an expression at a point, many points or a range.",
    "grad": "Value and gradient of every node, by several methods side by side.",
    "explain": "Why the gradient is what it is: both passes, the chain rule, rules and words.",
    "graph": "The computation graph: values, gradients and local derivatives in one drawing.",
    "limit": "The limit definition at work: quotients as h shrinks, their errors, the best h.",
    "descend": "Gradient descent on an expression: the trace, a verdict, pictures.",
    "plot": "Draw a function: curve, tangents, extrema; contours of two variables.",
    "check": "Judge claimed values and derivatives, and name the mistake behind a wrong one.",
    "export": "The same computation as PyTorch, JAX, NumPy, C, ... ending in asserts of our numbers.",
    "page": "One HTML file to step through an expression or a network in a browser.",
    "train": "Train a network, or fit a formula, from a YAML config.",
    "trace": "Write out one training step in full, as on paper.",
    "predict": "Append a trained model's predictions to rows of a file or a pipe.",
    "evaluate": "Judge a trained model on rows whose answers are known.",
    "runs": "Compare the runs of trainings: results, alarms, where their configs differ.",
    "config": "Begin, check, show and document training configs.",
    "ops": "List every primitive with its derivative, domain and conventions.",
    "help": "Explain a topic: expressions, points, formats, exit-codes, ...",
    "completion": "Print the completion script of a shell.",
}
ELSEWHERE = {
    "fit": "train",
    "learn": "train",
    "score": "evaluate",
    "test": "evaluate",
    "diff": "grad",
    "derive": "grad",
}
"""What other programs call a command."""

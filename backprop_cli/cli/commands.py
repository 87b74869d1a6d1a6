"""The commands: what each is for, in which group it stands, and how it is used."""

from __future__ import annotations

GROUPS = {
    "Compute": {
        "eval": "The value at a point, at many points or over a range",
        "grad": "Value and gradient of every step, by several methods",
        "explain": "Both passes, the chain rule and the rules, in steps",
    },
    "See": {
        "graph": "The graph: values, gradients, local derivatives",
        "limit": "Difference quotients as h shrinks, and their errors",
        "descend": "Gradient descent: the trace, a verdict, pictures",
        "plot": "Curve, tangents, extrema; contours of two variables",
        "page": "One HTML file to step through in a browser",
    },
    "Check": {
        "check": "Judge claims, and name the mistake behind a wrong one",
        "exercise": "Draw tasks for a class, with answers and distractors",
        "export": "The same in PyTorch, JAX, C, ..., with our numbers",
    },
    "Train": {
        "config": "Begin, check, show and document configs",
        "train": "Train a network, or fit a formula, from a config",
        "trace": "One training step in full, as on paper",
        "predict": "A model's answers to the rows of a file or a pipe",
        "evaluate": "Judge a model on rows whose answers are known",
        "runs": "Compare runs: results, alarms, where configs differ",
    },
    "Reference": {
        "ops": "Every function, with its derivative and its domain",
        "help": "A topic or a command: expressions, points, formats",
        "completion": "The completion script of a shell",
    },
}
COMMANDS = {name: about for group in GROUPS.values() for name, about in group.items()}
"""The modules of commands are imported when they are called."""

FIRST = "backprop grad '(a*b+c)*f' --a 3 --b -2 --c 8 --f -2"
EXAMPLES = {
    "eval": ("backprop eval '2x^2 - 3x + 4' --x 2", "backprop eval 'sin(x)' --x 0:1:0.25 -o sine.csv"),
    "grad": (
        FIRST,
        "backprop grad 'd = a*b; L = (d - 1)^2' --a 3 --b -2 --wrt d",
        "backprop grad 'norm(A@x - b)^2' --A '[[1,2],[3,4]]' --x '[1,-1]' --b '[1,0]'",
        "backprop grad 'x^2*y' --x 1 --y 2 --order 2",
    ),
    "explain": (
        FIRST.replace("grad", "explain"),
        "backprop explain 'sin(x^2)' --symbolic",
        "backprop config init hand -o hand.yaml",
        "backprop explain hand.yaml --wrt 'linear1[0].w[0]'",
    ),
    "graph": (
        FIRST.replace("grad", "graph"),
        "backprop graph 'tanh(w*x + b)' --w 2 --x 0.5 --b -1 -o neuron.svg",
    ),
    "limit": ("backprop limit 'sin(x)' --x 1", "backprop limit '|x|' --x 0 --steps 0.1,0.01"),
    "descend": (
        "backprop descend 'x^2' --x 1 --rate 0.3 --updates 3",
        "backprop descend 'x^2+10y^2' --x 1 --y 1 --optimizer sgd --optimizer adam --rate 0.05",
    ),
    "plot": (
        "backprop plot '2x^2 - 3x + 4' --x -3:4 --tangent -1,1,0",
        "backprop plot 'x^2 - y^2' --x -2:2 --y -2:2 -o saddle.svg",
        "backprop plot 'norm(x)^2' --x '[1, -1]' --along 'x=[1, 0]' --s -2:2",
    ),
    "page": (
        FIRST.replace("grad", "page") + " -o page.html",
        "backprop page 'x^3 - x' --x 0.5 --x -2:2 -o cubic.html",
    ),
    "check": (
        "backprop check 'x^2*sin(x)' --claim 'x = 2x*cos(x)'",
        "backprop check 'd = a*b; L = d + c' --a 3 --b -2 --c 8 --claim d=6 --claim dL/da=-2",
    ),
    "exercise": (
        "backprop exercise chain --level 2 --count 3",
        "backprop exercise --show 3MMMM228 --solutions explain",
    ),
    "export": (
        FIRST.replace("grad", "export") + " --to pytorch",
        "backprop export 'exp(-x^2)' --x 1 -o bell.c",
    ),
    "config": ("backprop config init", "backprop config init iris -o iris.yaml"),
    "config init": (
        "backprop config init iris > iris.yaml",
        "backprop config init rows.csv --target price > rows.yaml",
    ),
    "config validate": ("backprop config validate iris.yaml",),
    "config show": ("backprop config show iris.yaml optimizer.learning_rate=0.1",),
    "train": ("backprop config init iris -o iris.yaml", "backprop train iris.yaml training.epochs=20"),
    "trace": ("backprop config init hand -o hand.yaml", "backprop trace hand.yaml"),
    "predict": (
        "backprop predict runs/iris new.csv",
        "backprop predict runs/iris - < new.csv > answers.csv",
    ),
    "evaluate": ("backprop evaluate runs/iris",),
    "runs": ("backprop runs", "backprop runs --format csv"),
    "ops": ("backprop ops relu softplus",),
    "help": ("backprop help", "backprop help expressions"),
    "completion": ("backprop completion fish > backprop.fish",),
}
MORE = {
    "eval": ("points", "language"),
    "grad": ("verdicts", "higher"),
    "explain": ("methods", "explain"),
    "graph": ("pictures", "graph"),
    "limit": ("methods", "limit"),
    "descend": ("pictures", "descend"),
    "plot": ("pictures", "plot"),
    "page": ("pictures", "page"),
    "check": ("verdicts", "check"),
    "exercise": ("verdicts", "exercises"),
    "export": ("conventions", "export"),
    "config": ("training", "config"),
    "train": ("training", "training"),
    "trace": ("training", "trace"),
    "predict": ("training", "training"),
    "evaluate": ("training", "training"),
    "runs": ("training", "training"),
    "ops": ("conventions", "primitives"),
}
"""Where there is more: a topic of ``backprop help`` and a page of the documentation."""

ELSEWHERE = {
    "fit": "train",
    "learn": "train",
    "score": "evaluate",
    "test": "evaluate",
    "diff": "grad",
    "derive": "grad",
    "draw": "plot",
    "init": "config init",
    "new": "config init",
    "validate": "config validate",
}
"""What other programs call a command."""

RENAMED = {
    "descend": {"--steps": "--updates"},
    "explain": {"--limit": "--definition"},
    "graph": {"--all": "--constants"},
    "limit": {"--symbolic": "--exact"},
}
"""Earlier names of options, by command, which are read still: each was another command's word, too."""

"""Which mistake is told first where several give a claim: one order, with its reasons."""

from __future__ import annotations

from enum import IntEnum, auto


class Told(IntEnum):
    """The order in which mistakes are told, what a teacher thinks of first in front."""

    STEP = auto()  # of a training step: all else is right then, to the last digit
    WHOLE_ARRAY = auto()  # an array the wrong way round, a formula of softmax by halves: seen at once
    ARRAY_RULE = auto()  # a transpose or a sum of one product: many numbers give it away
    ORDER = auto()  # the quotient rule turned round says more than that a sign is wrong
    SIGN = auto()  # the commonest slip
    FACTOR = auto()  # the factor that a rule ends with: ln(base), 1 - y
    SIGN_OF_ALL = auto()  # where no rule explains it
    INSIDE = auto()  # the chain rule forgotten, the classic; exp(-x^2) for its own derivative is this
    VALUE = auto()  # the value in place of the derivative
    RULE = auto()  # u'v', u'/v': a rule that there is not
    HALF = auto()  # one term of a product
    GATE = auto()  # relu, max: what is stopped goes through
    TERM = auto()  # one term of a sum
    FORK = auto()  # = for +=; of named steps this comes before a term, see `AMONG_STEPS`
    LOCAL = auto()  # a rule of one function by halves
    DROPPED = auto()  # a factor that does not vary, or all that comes back
    ZERO = auto()  # taken for a constant: 0 comes of many things
    ANOTHER = auto()  # the right answer to another question: many questions, many numbers
    RARE = auto()  # a rule gone wrong in a way that is seldom seen
    INTEGRAL = auto()
    MULTIPLE = auto()  # twice or half of the right number, or one over it: no rule gives it
    ANYWHERE = auto()  # what can be done at any node, with no rule in particular
    POINT = auto()  # the right rules at another point; 1/n


LIKELY = Told.ZERO
"""What comes behind this is told of a number with too few digits only where nothing else gives it."""

EVERYWHERE = 2
"""Places by which the same slip at all steps comes behind that at one."""

AMONG_STEPS = 4
"""Places by which a missing term of named steps comes behind a fork that is not summed: who names steps
thinks of the graph, not of a formula."""

BEHIND_SIGNS = 4
"""Places by which a quotient rule in the wrong order, inside a formula, comes behind a sign that is lost."""

IN_FIRST, IN_SECOND, IN_BOTH = 8, 9, 10
"""Places by which a mistake on the way to a second derivative comes behind the answers to other questions."""

IN_GRADIENT = 8
"""Places by which a mistake in a gradient comes behind one of the update."""

MAY_BE = "it may be that "
"""What is said in front of a mistake that too few digits cannot tell from others."""

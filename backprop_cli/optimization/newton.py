"""Newton's method on an expression: the Hessian by our own engine, and its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..differentiation.forward import hessian_product
from ..errors import SlopeError

if TYPE_CHECKING:
    from .descent import Function

Array = npt.NDArray[np.float64]

SINGULAR = 1e-14
"""Curvature, of the largest in size, that counts as none."""


class NewtonSteps:
    """Moves by the rate times the gradient divided by the Hessian.

    It leads to where the slope is 0, be that a minimum, a maximum or a saddle, in one update on a quadratic
    function; near such a point the number of right digits doubles with every update.

    Args:
        function: What it goes over.
        sign: -1.0 where the gradient is that of -f.
    Source:
        Nocedal and Wright, Numerical Optimization (2006), section 3.3; without a line search.
    """

    def __init__(self, function: Function, sign: float) -> None:
        self.function = function
        self.sign = sign

    def init(self, theta: Array) -> dict[str, Any]:
        """Return the state: nothing is remembered."""
        return {}

    def update(self, theta: Array, gradient: Array, state: dict[str, Any], learning_rate: float) -> None:
        """Apply one step in place.

        Raises:
            SlopeError: where the Hessian has no inverse.
        """
        function, names = self.function, self.function.names
        inputs = function.at(tuple(theta.tolist()))
        rows = [hessian_product(function.graph, inputs, {name: 1.0})[1] for name in names]
        matrix = self.sign * np.array([[row[name] for name in names] for row in rows])
        if not np.isfinite(matrix).all():
            raise SlopeError(
                f"{function.called} has no second derivatives there", source=function.graph.source
            )
        values, ways = np.linalg.eigh(0.5 * matrix + 0.5 * matrix.T)
        sizes = np.abs(values)
        if sizes.min() <= SINGULAR * sizes.max():
            what = f"{function.called}'' = 0" if len(names) == 1 else "an eigenvalue of the Hessian is 0"
            raise SlopeError(f"{what} there, and Newton's step divides by it", source=function.graph.source)
        theta -= learning_rate * (ways @ ((ways.T @ gradient) / values))

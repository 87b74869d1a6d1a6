"""The first-order update rules: PyTorch's rules, names and defaults.

A rule is two functions. `Rule.numbers` says what the scalars of one step are, in float64, bias
corrections and decays of the rate included. `Rule.passes` is the rule itself, one array operation a
line. What a rule remembers is an explicit `State`; what it only scribbles on belongs to the object.

For large networks an update is nothing but passes over memory: they are as few as the rule allows, and
`Rule.update` hands out the arrays in blocks that stay in a core's second-level cache.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import sqrt
from operator import is_
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError
from ..settings import Section
from . import settings

Array = npt.NDArray[Any]
State = dict[str, Array]
"""Arrays of the parameters' shape, and numbers as arrays without dimensions."""

BLOCK_BYTES = 1 << 17
"""Bytes of an array in a block: four such arrays take half of a 1 MiB cache."""

COMPILED_WORK = 200_000_000
"""Parameters times updates that repay a tenth of a second to compile: it saves 0.8 ns of each."""

Settings = TypeVar("Settings", bound=Section)


class Rule(ABC, Generic[Settings]):
    """An update rule over one flat array of parameters.

    The caller sets ``np.errstate``: a run that diverges overflows here.

    Args:
        settings: The hyperparameters.
        updates: How many updates are to come, as far as that is known.
    """

    arrays: tuple[str, ...] = ()
    """The state's arrays of the parameters' shape, in the order in which `passes` takes them."""
    scratch: int = 0
    """How many arrays `passes` scribbles on, the gradient aside."""

    def __init__(self, settings: Settings, updates: int = 0) -> None:
        self.settings = settings
        self.updates = updates
        self._bound: list[Array] = []
        self._blocks: list[tuple[Array, Array, list[Array], list[Array]]] = []
        self._scalars = np.empty(0)
        self._cells: list[Array] = []
        self._compiled: Callable[..., None] | None = None

    def init(self, theta: Array) -> State:
        """Return the state before the first update: no steps made, and zeros."""
        return {"step": np.zeros((), np.int64)} | {name: np.zeros_like(theta) for name in self.arrays}

    def update(self, theta: Array, gradient: Array, state: State, learning_rate: float) -> None:
        """Apply one step in place.

        Args:
            theta: Parameters, shape (n,); changed.
            gradient: Of the loss by them, shape (n,); what it holds afterwards means nothing.
            state: From `init` or a checkpoint; changed.
            learning_rate: What the schedule says for this step.
        """
        step = state["step"].item() + 1
        state["step"][()] = step
        numbers = self.numbers(step, learning_rate, state)
        bound = [theta, gradient, *[state[name] for name in self.arrays]]
        if not self._bound or not all(map(is_, bound, self._bound)):
            self._bind(bound, len(numbers))
        self._scalars[:] = numbers
        if self._compiled is not None:
            self._compiled(*bound, self._scalars)
            return
        for p, g, arrays, scratch in self._blocks:
            self.passes(p, g, arrays, scratch, self._cells)

    @abstractmethod
    def numbers(self, step: int, rate: float, state: State) -> Sequence[float]:
        """Return the scalars of update number ``step``, counted from 1."""

    @abstractmethod
    def passes(
        self, p: Array, g: Array, arrays: list[Array], scratch: list[Array], numbers: list[Array]
    ) -> None:
        """Move the parameters ``p``, whose gradient is ``g``, and what the rule remembers."""

    def compiled(self, dtype: npt.DTypeLike) -> Callable[..., None] | None:
        """Return `passes` as one compiled pass of the same bits, if there is such a thing."""
        return None

    def _bind(self, bound: list[Array], numbers: int) -> None:
        """Cut the arrays into blocks, once for all updates of the same arrays."""
        theta = bound[0]
        length = max(1, min(theta.size, BLOCK_BYTES // theta.itemsize))
        scratch = np.empty((self.scratch, length), theta.dtype)
        self._bound = bound
        self._blocks = []
        for start in range(0, theta.size, length):
            p, g, *arrays = (array[start : start + length] for array in bound)
            self._blocks.append((p, g, arrays, [s[: p.size] for s in scratch]))
        # arrays without dimensions: NumPy takes twice as long over a Python float
        self._scalars = np.empty(numbers, theta.dtype)
        self._cells = [self._scalars[i, ...] for i in range(numbers)]
        worthwhile = theta.size * self.updates >= COMPILED_WORK
        contiguous = all(array.flags.c_contiguous for array in bound)
        self._compiled = self.compiled(theta.dtype) if worthwhile and contiguous else None


class Sgd(Rule[settings.Sgd]):
    """Gradient descent; with momentum a heavy ball, or Nesterov's, which looks ahead.

    ::

        b <- momentum b + (1 - dampening) g      the first b is g
        p <- p - rate b                          nesterov: p - rate (g + momentum b)

    Source:
        Sutskever, Martens, Dahl and Hinton 2013; the rate stands outside of the sum, so that a
        schedule acts on all of it.
    """

    def __init__(self, settings: settings.Sgd, updates: int = 0) -> None:
        if any(settings.faults("optimizer")):
            raise ConfigError("nesterov needs a momentum above 0 and no dampening")
        super().__init__(settings, updates)
        self.arrays = ("momentum",) if settings.momentum else ()
        self.scratch = 1 if settings.momentum or settings.weight_decay else 0

    def numbers(self, step: int, rate: float, state: State) -> Sequence[float]:
        s = self.settings
        return rate, s.weight_decay, s.momentum, 1.0 if step == 1 else 1.0 - s.dampening

    def passes(
        self, p: Array, g: Array, arrays: list[Array], scratch: list[Array], numbers: list[Array]
    ) -> None:
        rate, decay, momentum, share = numbers
        if self.settings.weight_decay:
            _decay(p, g, decay, scratch)
        if arrays:
            (b,), (t,) = arrays, scratch
            b *= momentum
            if self.settings.dampening:
                b += np.multiply(g, share, out=t)
            else:
                b += g
            if self.settings.nesterov:
                g += np.multiply(b, momentum, out=t)
            else:
                np.copyto(g, b)
        g *= rate
        p -= g


class Adagrad(Rule[settings.Adagrad]):
    """A rate for each parameter, smaller the more it has moved.

    ::

        s <- s + g^2
        p <- p - rate g / (sqrt(s) + eps)        the rate divided by 1 + lr_decay (step - 1)

    Source:
        Duchi, Hazan and Singer 2011, figure 1.
    """

    arrays = ("sum",)
    scratch = 1

    def init(self, theta: Array) -> State:
        state = super().init(theta)
        state["sum"] += self.settings.initial_accumulator_value
        return state

    def numbers(self, step: int, rate: float, state: State) -> Sequence[float]:
        s = self.settings
        return rate / (1.0 + (step - 1) * s.lr_decay), s.eps, s.weight_decay

    def passes(
        self, p: Array, g: Array, arrays: list[Array], scratch: list[Array], numbers: list[Array]
    ) -> None:
        (s,), (t,) = arrays, scratch
        rate, eps, decay = numbers
        if self.settings.weight_decay:
            _decay(p, g, decay, scratch)
        s += np.multiply(g, g, out=t)
        np.sqrt(s, out=t)
        t += eps
        g *= rate
        g /= t
        p -= g


class Adadelta(Rule[settings.Adadelta]):
    """Steps in the parameters' own units: as long as the last ones, shorter where it is steep.

    ::

        s <- rho s + (1 - rho) g^2
        d  = sqrt(a + eps) / sqrt(s + eps) g
        a <- rho a + (1 - rho) d^2
        p <- p - rate d

    Source:
        Zeiler 2012, algorithm 1.
    """

    arrays = ("square", "accumulated")
    scratch = 2

    def numbers(self, step: int, rate: float, state: State) -> Sequence[float]:
        s = self.settings
        return rate, s.rho, 1.0 - s.rho, s.eps, s.weight_decay

    def passes(
        self, p: Array, g: Array, arrays: list[Array], scratch: list[Array], numbers: list[Array]
    ) -> None:
        (s, a), (t, u) = arrays, scratch
        rate, rho, share, eps, decay = numbers
        if self.settings.weight_decay:
            _decay(p, g, decay, scratch)
        _average_square(s, g, rho, share, t)
        np.sqrt(np.add(a, eps, out=t), out=t)
        t /= np.sqrt(np.add(s, eps, out=u), out=u)
        g *= t
        _average_square(a, g, rho, share, t)
        g *= rate
        p -= g


class RMSprop(Rule[settings.RMSprop]):
    """The gradient over the root of its mean square; centered, over its standard deviation.

    ::

        s <- alpha s + (1 - alpha) g^2
        a <- alpha a + (1 - alpha) g             centered: s - a^2 for s below
        b <- momentum b + g / (sqrt(s) + eps)
        p <- p - rate b

    Source:
        Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, equation 38. In PyTorch's form,
        eps outside of the root.
    """

    scratch = 2

    def __init__(self, settings: settings.RMSprop, updates: int = 0) -> None:
        super().__init__(settings, updates)
        mean = ("mean",) if settings.centered else ()
        self.arrays = ("square", *mean, *(("momentum",) if settings.momentum else ()))

    def numbers(self, step: int, rate: float, state: State) -> Sequence[float]:
        s = self.settings
        return rate, s.alpha, 1.0 - s.alpha, s.eps, s.momentum, s.weight_decay

    def passes(
        self, p: Array, g: Array, arrays: list[Array], scratch: list[Array], numbers: list[Array]
    ) -> None:
        s, *rest = arrays
        t, u = scratch
        rate, alpha, share, eps, momentum, decay = numbers
        if self.settings.weight_decay:
            _decay(p, g, decay, scratch)
        _average_square(s, g, alpha, share, t)
        if self.settings.centered:
            a, *rest = rest
            a += np.multiply(np.subtract(g, a, out=t), share, out=t)
            np.subtract(s, np.multiply(a, a, out=u), out=t)
            # a variance; rounding alone makes it negative, and a NaN in PyTorch
            np.maximum(t, 0.0, out=t)
            np.sqrt(t, out=t)
        else:
            np.sqrt(s, out=t)
        t += eps
        if rest:
            (b,) = rest
            b *= momentum
            b += np.divide(g, t, out=t)
            p -= np.multiply(b, rate, out=t)
        else:
            g *= rate
            g /= t
            p -= g


class Adam(Rule[settings.AdamKind]):
    """Momentum over the root of the mean square, both corrected for beginning at 0.

    ::

        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2           amsgrad: the largest v so far for v below
        p <- p - rate m/(1 - beta1^t) / (sqrt(v/(1 - beta2^t)) + eps)

    The state holds m/(1 - beta1) and v/(1 - beta2), which are sums that only decay: with the constant
    factors moved to the rate and to eps, ten passes over memory do for thirteen.

    Source:
        Kingma and Ba 2015, algorithm 1; amsgrad: Reddi, Kale and Kumar 2018, algorithm 2.
    """

    def __init__(self, settings: settings.AdamKind, updates: int = 0) -> None:
        super().__init__(settings, updates)
        self.arrays = ("m", "v", "largest_v") if settings.amsgrad else ("m", "v")
        self.scratch = 1 if settings.weight_decay else 0

    def numbers(self, step: int, rate: float, state: State) -> Sequence[float]:
        s = self.settings
        beta1, beta2 = s.betas
        root = _root_of_share(beta2, step)
        scale = rate * (1.0 - beta1) / (1.0 - beta1**step) * root
        return scale, beta1, beta2, s.eps * root, s.weight_decay, 1.0 - rate * s.weight_decay

    def passes(
        self, p: Array, g: Array, arrays: list[Array], scratch: list[Array], numbers: list[Array]
    ) -> None:
        m, v, *largest = arrays
        rate, beta1, beta2, eps, decay, kept = numbers
        if self.settings.weight_decay:
            if isinstance(self.settings, settings.AdamW):
                p *= kept
            else:
                _decay(p, g, decay, scratch)
        m *= beta1
        m += g
        g *= g
        v *= beta2
        v += g
        if largest:
            v = np.maximum(largest[0], v, out=largest[0])
        np.sqrt(v, out=g)
        g += eps
        np.divide(m, g, out=g)
        g *= rate
        p -= g

    def compiled(self, dtype: npt.DTypeLike) -> Callable[..., None] | None:
        if self.settings.amsgrad:
            return None
        from ..engine.llvm import NotCompiled
        from .compiled import update

        decayed = "adamw" if isinstance(self.settings, settings.AdamW) else "adam_decayed"
        try:
            return update(decayed if self.settings.weight_decay else "adam", dtype)
        except NotCompiled:
            return None


class AdamW(Adam):
    """Adam whose weight decay acts on the parameters alone, not through the moments.

    ::

        p <- (1 - rate weight_decay) p           then as Adam

    Source:
        Loshchilov and Hutter 2019, algorithm 2.
    """


class NAdam(Rule[settings.NAdam]):
    """Adam that looks ahead as Nesterov's momentum does.

    ::

        mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)
        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        n  = (1 - mu_t) g / (1 - mu_1..mu_t) + mu_(t+1) m / (1 - mu_1..mu_(t+1))
        p <- p - rate n / (sqrt(v/(1 - beta2^t)) + eps)

    The state holds m and v as Adam's does, and the product of the mu.

    Source:
        Dozat 2016, algorithm 2.
    """

    arrays = ("m", "v")
    scratch = 1

    def init(self, theta: Array) -> State:
        return super().init(theta) | {"mu_product": np.ones(())}

    def numbers(self, step: int, rate: float, state: State) -> Sequence[float]:
        s = self.settings
        beta1, beta2 = s.betas
        root = _root_of_share(beta2, step)
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * s.momentum_decay))
        ahead = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * s.momentum_decay))
        product = state["mu_product"].item() * mu
        state["mu_product"][()] = product
        of_gradient = rate * root * (1.0 - mu) / (1.0 - product)
        of_momentum = rate * root * ahead * (1.0 - beta1) / (1.0 - product * ahead)
        return of_gradient, of_momentum, beta1, beta2, s.eps * root, s.weight_decay

    def passes(
        self, p: Array, g: Array, arrays: list[Array], scratch: list[Array], numbers: list[Array]
    ) -> None:
        (m, v), (t,) = arrays, scratch
        of_gradient, of_momentum, beta1, beta2, eps, decay = numbers
        if self.settings.weight_decay:
            _decay(p, g, decay, scratch)
        m *= beta1
        m += g
        v *= beta2
        v += np.multiply(g, g, out=t)
        g *= of_gradient
        g += np.multiply(m, of_momentum, out=t)
        np.sqrt(v, out=t)
        t += eps
        g /= t
        p -= g


RULES: dict[type[Section], type[Rule[Any]]] = {
    settings.Sgd: Sgd,
    settings.Adagrad: Adagrad,
    settings.Adadelta: Adadelta,
    settings.RMSprop: RMSprop,
    settings.Adam: Adam,
    settings.AdamW: AdamW,
    settings.NAdam: NAdam,
}


def make(settings: settings.Optimizer, updates: int = 0) -> Rule[Any]:
    """Return the update rule of an ``optimizer`` section.

    Args:
        settings: The section.
        updates: How many updates are to come, as far as that is known: many updates of many
            parameters are worth a compiled rule.
    Raises:
        ConfigError: when there is no such rule for these settings.
    """
    rule = RULES.get(type(settings))
    if rule is None:
        raise ConfigError("levenberg_marquardt fits formulas; a network needs a first-order optimizer")
    return rule(settings, updates)


def _decay(p: Array, g: Array, decay: Array, scratch: list[Array]) -> None:
    """Add the gradient of decay/2 p^2."""
    g += np.multiply(p, decay, out=scratch[0])


def _average_square(s: Array, g: Array, kept: Array, share: Array, scratch: Array) -> None:
    s *= kept
    np.multiply(g, share, out=scratch)
    scratch *= g
    s += scratch


def _root_of_share(beta: float, step: int) -> float:
    """Return what turns the root of a decaying sum of squares into that of their mean, inverted."""
    return sqrt((1.0 - beta**step) / (1.0 - beta))

"""What a config with an environment demands of its keys, and what they are where nothing is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ...networks.layers import Model
from ...networks.layers.dense import Linear
from ...networks.layers.kind import LayerKind
from ...networks.losses import Loss
from ...optimization.settings import Adam, Sgd
from ...settings import Fault
from .. import schema

METHODS: dict[str, dict[str, Any]] = {
    "reinforce": {"episodes": 400, "batch": 5, "discount": 0.99, "baseline": "mean"},
    "q_learning": {"episodes": 400, "batch": 5, "discount": 0.99, "exploration": 0.1},
    "value_iteration": {"discount": 0.99},
}
"""The keys of ``training`` that each method has, with what they are where nothing is said."""
KEYS = ("method", *dict.fromkeys(key for keys in METHODS.values() for key in keys))

RATES = {"q_learning": 0.1, "value_iteration": 1.0}
"""The learning rates of the methods that learn a table, where nothing is said."""
TABLE = Model(layers=[Linear(init="zeros", frozen=["bias"])])
"""A table of what each action is worth in each state: states come in as a 1 among zeros."""
TABLE_LOSS = Loss(type="mse")
POLICY_LOSSES = ("cross_entropy", "binary_cross_entropy")


def method_of(config: schema.Config) -> str:
    """Return how an environment is learned."""
    return config.training.method or "reinforce"


def plays(config: schema.Config) -> bool:
    """Whether episodes are played."""
    return config.environment is not None and "episodes" in METHODS[method_of(config)]


def completed(config: schema.Config, given: Callable[[str], bool]) -> schema.Config:
    """Return a config with an environment that says what its method needs; ``given`` as of `faults`."""
    replace, method = msgspec.structs.replace, method_of(config)
    usual = {name: x for name, x in METHODS[method].items() if getattr(config.training, name) is None}
    config = replace(config, training=replace(config.training, method=method, batch_size="full", **usual))
    if method not in RATES:
        return config
    optimizer = config.optimizer
    assert isinstance(optimizer, Adam | Sgd)  # the first stands where no type is named
    rate = optimizer.learning_rate if given("optimizer.learning_rate") else RATES[method]
    optimizer = Sgd(learning_rate=rate)
    return replace(config, model=TABLE, loss=TABLE_LOSS, optimizer=optimizer)


def faults(config: schema.Config, given: Callable[[str], bool]) -> Iterator[Fault]:
    """Yield what does not go with an environment, or not with the method.

    Args:
        config: With an environment, as it is written.
        given: Whether it says something under a key.
    """
    assert config.environment is not None
    yield from config.environment.faults("environment")
    method, training = method_of(config), config.training
    if config.data != schema.Data():
        message = "an environment has no rows: data has no place beside it"
        yield Fault("data", message, None, ("environment",))
    for key in KEYS[1:]:
        if getattr(training, key) is not None and key not in METHODS[method]:
            owners = ", ".join(name for name, keys in METHODS.items() if key in keys)
            message = f"training.{key} is for {owners}, not for {method}"
            yield Fault(f"training.{key}", message, None, ("training.method",))
    if method in RATES and not config.environment.listed:
        name = config.environment.name
        message = f"training.method: {method} needs states that can be listed, which {name} lacks"
        yield Fault("training.method", message, "method: reinforce", ("environment",))
    usual, played = schema.Training(), "training.episodes and training.batch say how much is played"
    wrong: list[tuple[str, bool, str]] = [
        ("task", config.task == "regression", "actions are classes"),
        ("threshold", config.threshold is not None, "a policy draws its actions"),
        ("training.epochs", plays(config) and training.epochs != usual.epochs, played),
        ("training.batch_size", training.batch_size not in (usual.batch_size, "full"), played),
        ("training.shuffle", not training.shuffle, "episodes come in their order"),
        ("training.metrics", bool(training.measured), "returns are measured"),
        ("training.engine", training.engine != "numpy", "it is played by NumPy"),
        ("training.keep", training.keep == "refit", "there are no rows to train on anew"),
    ]
    wrong += _of_policies(config) if method not in RATES else _of_tables(config, given)
    for key, is_wrong, why in wrong:
        if is_wrong:
            what = "an environment" if method not in RATES else f"training.method: {method}"
            message = f"{key} does not go with {what}: {why}"
            yield Fault(key, message, None, ("environment", "training.method"))


def _of_policies(config: schema.Config) -> Iterator[tuple[str, bool, str]]:
    """Yield keys that do not go with a policy's network, whether they are given, and why they do not."""
    model, loss = config.model, config.loss
    yield "model.formula", model.formula is not None, "a policy chooses an action, not a number"
    trains = f"a policy is trained by {' or '.join(POLICY_LOSSES)}"
    yield "loss", loss.type not in ("auto", *POLICY_LOSSES), trains
    yield "loss.label_smoothing", bool(loss.label_smoothing), "it would train another policy"
    yield "loss.class_weights", loss.class_weights is not None, "advantages weigh actions"
    other = "another policy would learn than acts"
    yield "model.noise", model.noise is not None, other
    for i, layer in enumerate(model.layers or ()):
        if isinstance(layer, LayerKind):  # others were refused already
            differs = layer.compares_rows or layer.tag == "dropout"
            yield f"model.layers.{i}", differs, f"by {layer.tag} {other}"


def _of_tables(config: schema.Config, given: Callable[[str], bool]) -> Iterator[tuple[str, bool, str]]:
    """Yield the same of a table."""
    own = "what each action is worth is a table, not a network"
    yield "model", config.model not in (Model(), TABLE), own
    yield "loss", config.loss.type not in ("auto", TABLE_LOSS.type), "its differences are squared"
    optimizer = config.optimizer
    plain = isinstance(optimizer, Sgd) and optimizer.plain
    if isinstance(optimizer, Adam) and not given("optimizer.type"):  # it stands where no type is named
        plain = optimizer == Adam(learning_rate=optimizer.learning_rate)
    yield "optimizer", not plain, "a table moves by its learning rate: sgd"
    yield "regularization", any(msgspec.structs.astuple(config.regularization)), "a table has no weights"
    yield "training.gradient_clip", config.training.gradient_clip is not None, "there is no gradient"

"""The base of the parts of a page: values with named fields, whose classes cost nothing at start-up."""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """A frozen value whose fields are the annotations of its class, their defaults the class's attributes.

    `NamedTuple` and `dataclass` compile a constructor for each class, 0.15 ms and more at every start; a page
    has forty classes, and here they share one. To a type checker they are dataclasses.

    Raises:
        TypeError: if a field is given twice, is none of the class, or has no default and is not given.
    """

    __match_args__: ClassVar[Any]  # the fields in order, as a pattern takes them
    _needed: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        cls.__match_args__ = tuple(cls.__annotations__)  # type: ignore[misc]  # mypy infers its own
        cls._needed = frozenset(cls.__annotations__).difference(vars(cls))

    def __init__(self, *values: Any, **named: Any) -> None:
        state = self.__dict__
        state.update(zip(self.__match_args__, values, strict=False), **named)
        given = state.keys()
        if len(given) != len(values) + len(named) or not self._needed <= given <= self.__annotations__.keys():
            raise TypeError(f"{type(self).__name__} takes {', '.join(self.__match_args__)}")

    def __setattr__(self, field: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{field} is set once")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._values()}"

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field) for field in self.__match_args__)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values in some fields."""
        return type(self)(**self.__dict__ | changes)

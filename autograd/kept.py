"""kept: a property that is worked out when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class kept(Generic[Value]):  # noqa: N801  (a decorator)
    """A property that is worked out when it is first asked for, and then is an attribute.

    Until Python 3.12 functools.cached_property holds one lock for all objects of a class while it works one out. A process that
    is forked meanwhile would find it locked for ever. Here two threads may work out the same value, and one of the two stays.

    >>> class Square:
    ...     def __init__(self, side):
    ...         self.side = side
    ...     @kept
    ...     def area(self):
    ...         print("worked out")
    ...         return self.side**2
    >>> square = Square(3)
    >>> square.area, square.area
    worked out
    (9, 9)
    """

    def __init__(self, work_out: Callable[[Any], Value]) -> None:
        self.work_out, self.__doc__ = work_out, work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> kept[Value]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.work_out(instance)
        return value

"""The lines of a kernel while it is being written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Lines:
    """Lines of Python, each as far in as what stands around it says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = 0

    def say(self, *lines: str) -> None:
        """More lines."""
        self.lines += ["    " * self.indent + line for line in lines]

    @contextmanager
    def under(self, head: str) -> Iterator[None]:
        """What is said inside stands under a head."""
        self.say(head)
        self.indent += 1
        yield
        self.indent -= 1

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines) + "\n"


def together(names: Iterable[str]) -> str:
    """Several names on one side of an assignment."""
    return ", ".join(names)

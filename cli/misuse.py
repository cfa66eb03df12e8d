"""What the terminal library says about options and commands that it cannot use, in the user's language: it speaks English only."""

from __future__ import annotations

import re

from ..autograd.language import N_, translate
from .errors import CommandError
from .parse import nearest

SAYINGS = (
    (r"No such option: (?P<name>\S+)(?: \(Possible options: (?P<meant>.*)\))?", N_("there is no option {name}")),
    (r"Option '(?P<name>[^']+)' requires an argument\.", N_("{name} needs a value")),
    (
        r"Invalid value for (?P<name>.+?): '(?P<value>.*)' is not one of (?P<known>.+)\.",
        N_("{value} is no value for {name}; there are {known}"),
    ),
    (
        r"Invalid value for (?P<name>.+?): '(?P<value>.*)' is not a valid (?:integer|int|float)(?: range)?\.",
        N_("{value} is no value for {name}: it must be a number"),
    ),
    (
        r"Invalid value for (?P<name>.+?): (?P<value>\S+) is not in the range (?P<low>\S+?)<=x(?:<=(?P<high>\S+))?\.",
        N_("{value} is no value for {name}: the smallest is {low}, the largest {high}"),
    ),
    (
        r"Invalid value for (?P<name>.+?): (?P<value>\S+) is not in the range x>=(?P<low>\S+)\.",
        N_("{value} is no value for {name}: the smallest is {low}"),
    ),
    (r"Missing (?:argument|option) (?P<name>.+?)\..*", N_("{name} is missing")),
    (r"No such command '(?P<name>[^']*)'\..*", N_("there is no command {name}")),
    (r"Missing command\.", N_("there is no command; nngraph --help lists them")),
    (r"Got unexpected extra arguments? ?(?:\(s\) )?\((?P<name>.*)\)", N_("{name} is one argument too many")),
)
"""What the library says, as a pattern, and our sentence for it."""


def misuse(message: str) -> CommandError:
    """The library's complaint as one of ours; what is not known here stays as it is.

    >>> misuse("No such option: --lan (Possible options: --at, --lang)").lines()
    ['there is no option --lan', '  hint: did you mean --lang?']
    """
    for pattern, sentence in SAYINGS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            fields = {
                name: (text or "∞").replace(" / '-", ", '-").replace("'", "") for name, text in found.groupdict().items()
            }
            meant = nearest(fields.get("name", ""), fields.pop("meant", "").strip("∞").split(", "))
            hint = translate(N_("did you mean {meant}?"), meant=meant) if meant else None
            return CommandError(translate(sentence, **fields), hint)
    return CommandError(message)

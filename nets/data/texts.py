"""Small texts made by a rule: numbers written in Chinese, and sentences of praise and blame."""

from __future__ import annotations

from itertools import product

from ...autograd.errors import ParameterError

DIGITS = "零一二三四五六七八九"
PARTS = (("the", "this"), ("film", "book", "soup"), ("is", "was"), ("", "not"), ("", "really", "very"))
PRAISE, BLAME = ("good", "great"), ("bad", "awful")


def chinese_number(number: int) -> str:
    """A whole number from 0 to 99 in Chinese.

    >>> from nngraph.nets import data
    >>> [data.chinese_number(number) for number in (0, 7, 10, 13, 20, 42)]
    ['零', '七', '十', '十三', '二十', '四十二']
    """
    if not 0 <= number <= 99:
        raise ParameterError(f"chinese_number({number}): it writes whole numbers from 0 to 99")
    tens, units = divmod(int(number), 10)
    return (DIGITS[tens] if tens > 1 else "") + ("十" if tens else "") + (DIGITS[units] if units or not tens else "")


def opinions() -> list[tuple[list[str], bool]]:
    """All sentences of a small grammar, of 4 to 6 words, and whether each is praise: "not" turns it round.

    >>> from nngraph.nets import data
    >>> len(data.opinions()), data.opinions()[:1]
    (288, [(['the', 'film', 'is', 'good'], True)])
    """
    return [
        ([word for word in words if word], (words[-1] in PRAISE) != ("not" in words))
        for words in product(*PARTS, PRAISE + BLAME)
    ]

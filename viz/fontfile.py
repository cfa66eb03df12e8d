"""A TrueType file: which characters it has, how wide they are, their outlines, and a subset of it for PDF.

Only what the two bundled fonts need (cmap formats 4 and 12, quadratic outlines), so that nothing has to be installed
to draw.
"""

from __future__ import annotations

import struct
from functools import cached_property
from pathlib import Path

Point = tuple[float, float]
Contour = list[tuple[Point, bool]]  # points in font units, y up, with "is on the curve"

KEPT_IN_SUBSET = ("cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep")


class FontFile:
    """One font, read when first asked.

    >>> from nngraph.viz.measure import LATIN
    >>> LATIN.has("σ"), LATIN.has("學")
    (True, False)
    """

    def __init__(self, path: Path, family: str):
        self.path = path
        self.family = family

    @cached_property
    def _bytes(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def _tables(self) -> dict[str, bytes]:
        data = self._bytes
        (count,) = struct.unpack_from(">H", data, 4)
        tables = {}
        for entry in range(count):
            tag, _, offset, length = struct.unpack_from(">4sIII", data, 12 + 16 * entry)
            tables[tag.decode("ascii")] = data[offset : offset + length]
        return tables

    @cached_property
    def units_per_em(self) -> int:
        return int(struct.unpack_from(">H", self._tables["head"], 18)[0])

    @cached_property
    def ascent_descent(self) -> tuple[int, int]:
        return struct.unpack_from(">hh", self._tables["hhea"], 4)

    @cached_property
    def bounds(self) -> tuple[int, int, int, int]:
        return struct.unpack_from(">hhhh", self._tables["head"], 36)

    @cached_property
    def glyph_of(self) -> dict[int, int]:
        """Glyph number of each code point."""
        cmap = self._tables["cmap"]
        (count,) = struct.unpack_from(">H", cmap, 2)
        found: dict[int, int] = {}
        for entry in range(count):
            platform, _, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * entry)
            (form,) = struct.unpack_from(">H", cmap, offset)
            if form == 12:
                found.update(_cmap_12(cmap, offset))
            elif form == 4 and platform in (0, 3):
                found = _cmap_4(cmap, offset) | found
        return found

    def has(self, character: str) -> bool:
        return ord(character) in self.glyph_of

    @cached_property
    def _advances(self) -> tuple[int, ...]:
        (count,) = struct.unpack_from(">H", self._tables["hhea"], 34)
        return struct.unpack_from(f">{'Hh' * count}", self._tables["hmtx"], 0)[::2]

    def glyph_advance(self, glyph: int) -> int:
        """Width of one glyph in font units (the last entry serves all glyphs behind it)."""
        return self._advances[min(glyph, len(self._advances) - 1)]

    def advance(self, character: str) -> float:
        """Width of one character in em."""
        return self.glyph_advance(self.glyph_of.get(ord(character), 0)) / self.units_per_em

    @cached_property
    def _offsets(self) -> tuple[int, ...]:
        (long_form,) = struct.unpack_from(">h", self._tables["head"], 50)
        loca = self._tables["loca"]
        if long_form:
            return struct.unpack(f">{len(loca) // 4}I", loca)
        return tuple(2 * offset for offset in struct.unpack(f">{len(loca) // 2}H", loca))

    def outline(self, character: str) -> list[Contour]:
        """The closed contours of one character, in font units, y up."""
        return self._contours(self.glyph_of.get(ord(character), 0))

    def _contours(self, glyph: int) -> list[Contour]:
        start, stop = self._offsets[glyph], self._offsets[glyph + 1]
        if start == stop:
            return []
        data = self._tables["glyf"][start:stop]
        (contours,) = struct.unpack_from(">h", data, 0)
        if contours >= 0:
            return _simple_contours(data, contours)
        found: list[Contour] = []
        for part, (a, b, c, d, dx, dy) in _parts(data):  # fonts nest parts at most a few deep: their maxp says so
            found += [
                [((a * x + c * y + dx, b * x + d * y + dy), on) for (x, y), on in contour]
                for contour in self._contours(part)
            ]
        return found

    def _with_parts(self, glyphs: set[int]) -> set[int]:
        found, waiting = set(), list(glyphs | {0})
        while waiting:
            glyph = waiting.pop()
            if glyph in found:
                continue
            found.add(glyph)
            start, stop = self._offsets[glyph], self._offsets[glyph + 1]
            if stop - start > 10:
                data = self._tables["glyf"][start:stop]
                if struct.unpack_from(">h", data, 0)[0] < 0:
                    waiting += [part for part, _ in _parts(data)]
        return found

    def subset(self, characters: set[str]) -> bytes:
        """A font file with the outlines of these characters only; glyph numbers stay as they are."""
        keep = self._with_parts({self.glyph_of.get(ord(character), 0) for character in characters})
        glyf, loca = bytearray(), []
        for glyph in range(len(self._offsets) - 1):
            loca.append(len(glyf))
            if glyph in keep:
                glyf += self._tables["glyf"][self._offsets[glyph] : self._offsets[glyph + 1]]
                glyf += b"\0" * (-len(glyf) % 4)
        loca.append(len(glyf))
        tables = {tag: table for tag, table in self._tables.items() if tag in KEPT_IN_SUBSET}
        head = bytearray(tables["head"])
        struct.pack_into(">h", head, 50, 1)
        tables |= {"glyf": bytes(glyf), "loca": struct.pack(f">{len(loca)}I", *loca), "head": bytes(head)}
        return _assembled(tables)


def _cmap_4(cmap: bytes, offset: int) -> dict[int, int]:
    (twice,) = struct.unpack_from(">H", cmap, offset + 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", cmap, offset + 14)
    starts = struct.unpack_from(f">{count}H", cmap, offset + 16 + twice)
    deltas = struct.unpack_from(f">{count}H", cmap, offset + 16 + 2 * twice)
    ranges_at = offset + 16 + 3 * twice
    ranges = struct.unpack_from(f">{count}H", cmap, ranges_at)
    found = {}
    for segment, (start, end, delta, reach) in enumerate(zip(starts, ends, deltas, ranges, strict=True)):
        for point in range(start, min(end, 0xFFFE) + 1):
            glyph = point
            if reach:
                (glyph,) = struct.unpack_from(">H", cmap, ranges_at + 2 * segment + reach + 2 * (point - start))
                if glyph == 0:
                    continue
            if glyph := (glyph + delta) & 0xFFFF:
                found[point] = glyph
    return found


def _cmap_12(cmap: bytes, offset: int) -> dict[int, int]:
    (count,) = struct.unpack_from(">I", cmap, offset + 12)
    found: dict[int, int] = {}
    for group in range(count):
        start, end, glyph = struct.unpack_from(">III", cmap, offset + 16 + 12 * group)
        found.update(zip(range(start, end + 1), range(glyph, glyph + end - start + 1), strict=True))
    return found


def _simple_contours(data: bytes, contours: int) -> list[Contour]:
    ends = struct.unpack_from(f">{contours}H", data, 10)
    count = ends[-1] + 1 if ends else 0
    (hints,) = struct.unpack_from(">H", data, 10 + 2 * contours)
    at = 12 + 2 * contours + hints
    flags: list[int] = []
    while len(flags) < count:
        flag, at = data[at], at + 1
        repeats = 0
        if flag & 8:
            repeats, at = data[at], at + 1
        flags += [flag] * (1 + repeats)
    axes = []
    for short, same in ((2, 16), (4, 32)):
        value, values = 0, []
        for flag in flags:
            if flag & short:
                value, at = value + (data[at] if flag & same else -data[at]), at + 1
            elif not flag & same:
                value, at = value + struct.unpack_from(">h", data, at)[0], at + 2
            values.append(value)
        axes.append(values)
    points = [((float(x), float(y)), bool(flag & 1)) for x, y, flag in zip(*axes, flags, strict=True)]
    return [points[start : end + 1] for start, end in zip((0, *(end + 1 for end in ends)), ends, strict=False)]


def _parts(data: bytes) -> list[tuple[int, tuple[float, float, float, float, float, float]]]:
    """The glyphs a composite is put together from, each with its affine map (a b c d dx dy)."""
    found, at, more = [], 10, True
    while more:
        flags, glyph = struct.unpack_from(">HH", data, at)
        at += 4
        dx, dy = struct.unpack_from(">hh" if flags & 1 else ">bb", data, at)
        at += 4 if flags & 1 else 2
        a, b, c, d = 1.0, 0.0, 0.0, 1.0
        if flags & 8:
            a = d = struct.unpack_from(">h", data, at)[0] / 16384
            at += 2
        elif flags & 64:
            a, d = (value / 16384 for value in struct.unpack_from(">hh", data, at))
            at += 4
        elif flags & 128:
            a, b, c, d = (value / 16384 for value in struct.unpack_from(">hhhh", data, at))
            at += 8
        found.append((glyph, (a, b, c, d, float(dx), float(dy))))
        more = bool(flags & 32)
    return found


def _assembled(tables: dict[str, bytes]) -> bytes:
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    start = struct.pack(">IHHHH", 0x00010000, count, 16 * power, power.bit_length() - 1, 16 * (count - power))
    directory, body, offset = b"", b"", 12 + 16 * count
    for tag in sorted(tables):
        table = tables[tag]
        padded = table + b"\0" * (-len(table) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sIII", tag.encode("ascii"), total, offset, len(table))
        body += padded
        offset += len(padded)
    return start + directory + body

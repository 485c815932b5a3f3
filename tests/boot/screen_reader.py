# SPDX-License-Identifier: MIT OR Apache-2.0
"""The text on a guest's screen, read back from its pixels.

QEMU gives a picture of the screen; the fonts are the files that the kernel
carries. Where the lines are is found by looking: from the top down, a row
of pixels in which not all are alike begins a line of text, and it must be
readable to the last pixel, or the row counts as unread.
"""

import re
from collections import Counter
from dataclasses import dataclass

MARGIN = 16  # left of the text, on screens of this width and more:
MARGIN_WIDTH = 800
HEADER_BYTES = 32  # of a PSF file, version 2
FIRST = " "


class Unreadable(Exception):
    """No picture, or no font."""


class Font:
    """A PSF file, version 2, of ASCII from the blank on; a shape is a tuple
    of rows, each a number with the leftmost pixel as its highest bit."""

    def __init__(self, data):
        words = [int.from_bytes(data[at:at + 4], "little")
                 for at in range(0, HEADER_BYTES, 4)]
        if words[0] != 0x864ab572 or words[2] != HEADER_BYTES:
            raise Unreadable("no PSF font of version 2")
        count, glyph_bytes, self.height, self.width = words[4:]
        self._row_bytes = (self.width + 7) // 8
        self._whole = (1 << self.width) - 1
        self.shapes = {}
        for number in range(count):
            start = HEADER_BYTES + number * glyph_bytes
            self.shapes[chr(ord(FIRST) + number)] = \
                self._shape(data[start:start + glyph_bytes])
        self._characters = {shape: character for character, shape
                            in self.shapes.items()}

    def _shape(self, glyph):
        shift = 8 * self._row_bytes - self.width
        step = self._row_bytes
        return tuple(int.from_bytes(glyph[at:at + step], "big") >> shift
                     for at in range(0, step * self.height, step))

    def read(self, shape):
        """(character, whether it is the cursor's), or None."""
        character = self._characters.get(shape)
        if character is not None:
            return character, False
        inverse = tuple(row ^ self._whole for row in shape)
        character = self._characters.get(inverse)
        return None if character is None else (character, True)


@dataclass
class Line:
    """A line of text: where its cells begin, what stands there, on which
    colour; `cursor` is a column or None."""

    top: int
    text: str
    paper: bytes
    cursor: int = None


class Picture:
    """A binary PPM of 8 bits a colour."""

    def __init__(self, data):
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        if not head:
            raise Unreadable("no picture")
        self.width, self.height = int(head[1]), int(head[2])
        step = 3 * self.width
        self.rows = [data[at:at + step] for at in
                     range(head.end(), head.end() + step * self.height, step)]
        if len(self.rows[-1]) != step:
            raise Unreadable("half a picture")

    def colours(self, row):
        """The row's pixels, each three bytes."""
        bytes_ = self.rows[row]
        return [bytes_[at:at + 3] for at in range(0, len(bytes_), 3)]

    def is_blank(self, row):
        """Whether all of its pixels are alike."""
        return self.rows[row] == self.rows[row][:3] * self.width


class Screen:
    """The text of a picture: `lines` from the top down, and `unread`, rows of
    pixels that have something and belong to no line."""

    def __init__(self, picture, font, left=None):
        self.picture = picture
        self._font = font
        self._left = left
        if left is None:
            self._left = MARGIN if picture.width >= MARGIN_WIDTH else 0
        self.columns = (picture.width - 2 * self._left) // font.width
        self._inked = {}
        self.lines, self.unread = [], []
        row = 0
        while row < picture.height:
            if picture.is_blank(row):
                row += 1
                continue
            line = self._line_near(row)
            if line is None:
                self.unread.append(row)
                row += 1
            else:
                self.lines.append(line)
                row = line.top + font.height

    def _line_near(self, row):
        """The line whose first pixels are in this row: its cells begin
        there or, glyphs being lower than their cells, above."""
        height = self._font.height
        bottom = self.lines[-1].top + height if self.lines else 0
        for top in range(row, max(bottom, row - height + 1) - 1, -1):
            line = self._line_at(top)
            if line is not None:
                return line
        return None

    def _row_inked(self, row):
        """(paper, the pixels that are not, as one number)"""
        if row not in self._inked:
            colours = self.picture.colours(row)
            paper = Counter(colours).most_common(1)[0][0]
            self._inked[row] = paper, int("".join(
                "0" if colour == paper else "1" for colour in colours), 2)
        return self._inked[row]

    def _line_at(self, top):
        font, width = self._font, self.picture.width
        if top + font.height > self.picture.height:
            return None
        rows = [self._row_inked(row)
                for row in range(top, top + font.height)]
        right = width - self._left - self.columns * font.width
        edges = ((1 << self._left) - 1) << (width - self._left) | \
            ((1 << right) - 1)
        papers = {paper for paper, _ in rows}
        if len(papers) != 1 or any(inked & edges for _, inked in rows):
            return None
        line = Line(top, "", papers.pop())
        for column in range(self.columns):
            shift = width - self._left - (column + 1) * font.width
            seen = font.read(tuple(inked >> shift & (1 << font.width) - 1
                                   for _, inked in rows))
            if seen is None:
                return None
            if seen[1]:
                line.cursor = column
            line.text += seen[0]
        line.text = line.text.rstrip()
        return line

    @property
    def text(self):
        """All of it, as a person would copy it down."""
        return "\n".join(line.text for line in self.lines)


def take(guest, name):
    """A Picture of the guest's screen, kept as `name` in its folder."""
    path = guest.folder / name
    guest.qmp.execute("screendump", filename=str(path))
    return Picture(path.read_bytes())

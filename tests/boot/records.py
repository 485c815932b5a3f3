# SPDX-License-Identifier: MIT OR Apache-2.0
"""Records as Bulldog prints them: `@type key=value ...`.

A word with spaces is in double quotes, with \\xHH for odd bytes. A command's
records end with `@end cmd=NAME status=N`.
"""

import re
from dataclasses import dataclass

_PAIR = re.compile(r'([a-z_][a-z0-9_]*)=("[^"]*"|[^\s"]*)(?:\s+|$)')
_HEX = re.compile(r"\\x([0-9a-f]{2})")


class BadRecord(Exception):
    """A line starts like a record and is none."""


@dataclass
class Record:
    """One line. Values are text; `number` reads them."""

    type: str
    values: dict

    def __getitem__(self, key):
        return self.values[key]

    def number(self, key):
        """The value as a number, 0x meaning what it says."""
        return int(self.values[key], 0)


def parse(line):
    """One record; BadRecord when the line breaks the rules."""
    start = re.match(r"@([a-z_]+)(?:\s+|$)", line)
    if not start:
        raise BadRecord(line)
    values, place = {}, start.end()
    while place < len(line):
        pair = _PAIR.match(line, place)
        if not pair or pair[1] in values:
            raise BadRecord(line)
        values[pair[1]] = _plain(pair[2])
        place = pair.end()
    return Record(start[1], values)


def _plain(word):
    if not word.startswith('"'):
        return word
    return _HEX.sub(lambda found: chr(int(found[1], 16)), word[1:-1])


@dataclass
class Answer:
    """The answer of one command: its records and how it ended."""

    command: str
    status: int
    records: list

    def all(self, kind):
        """The records of one type."""
        return [record for record in self.records if record.type == kind]

    def one(self, kind, **wanted):
        """The only record of this type with these values."""
        found = [record for record in self.all(kind)
                 if all(record.values.get(key) == value
                        for key, value in wanted.items())]
        if len(found) != 1:
            raise BadRecord(f"{len(found)} records @{kind} {wanted} "
                            f"from {self.command}")
        return found[0]


def answers(serial):
    """Every command's answer in a serial log, in order."""
    found, current = [], []
    for line in serial.splitlines():
        if not line.startswith("@"):
            continue
        record = parse(line)
        if record.type == "end":
            found.append(Answer(record["cmd"], record.number("status"),
                                current))
            current = []
        else:
            current.append(record)
    return found


def having(found, kind):
    """The first answer with a record of this type: each type has one
    command that prints it."""
    for answer in found:
        if answer.all(kind):
            return answer
    raise BadRecord(f"no @{kind} record was printed; commands that answered: "
                    + (" ".join(answer.command for answer in found) or "none"))

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The regions and owners that the map must become, computed a second time.

Written from the rules in docs/memory/regions.md and docs/memory/ledger.md,
not from the C: it cuts the address space at the edges of all claims and finds
the claims on each part. An entry is as many claims as there are rules for it.
"""

from dataclasses import dataclass, replace

PAGE = 4096
LOW_START, LOW_END = 64 << 10, 1 << 20
USABLE_LIMIT = 64 << 40
PHYSICAL_LIMIT = 1 << 52
WB, SP, RUNTIME = 0x8, 0x40000, 1 << 63

# Mildest first: where two claims meet, the one further down wins.
KINDS = ("free", "low", "later", "mmio", "acpi", "persistent", "unaccepted",
         "bad", "keep")
# The parts of `keep`, for the ledger; mildest first again.
KEEPERS = ("reserved", "firmware", "mmio")

# Owners whose pages the kernel took out of usable memory above 1 MiB.
CARVED = ("cached", "kernel_image", "page_table", "frame_meta", "boot_list",
          "handover", "module", "log", "stack", "vmem", "heap", "flush_pending",
          "user_anon", "user_file", "shared")


@dataclass(frozen=True)
class Entry:
    """One line of the firmware's map."""

    type: int
    start: int
    pages: int
    attributes: int

    @property
    def bytes_end(self):
        """Where it says that it ends, whether that can be or not."""
        return self.start + self.pages * PAGE

    @property
    def names(self):
        """(start, end): all pages of which it names a byte."""
        end = min(-(-self.bytes_end // PAGE) * PAGE, PHYSICAL_LIMIT)
        return self.start // PAGE * PAGE, end

    @property
    def holds(self):
        """(start, end): the whole pages that it has, if it can be believed;
        start and end are the same if it has none."""
        start = -(-self.start // PAGE) * PAGE
        if self.bytes_end > PHYSICAL_LIMIT:
            return start, start
        return start, max(self.bytes_end // PAGE * PAGE, start)


@dataclass(frozen=True)
class Claim:
    """[start..end) is `kind`, for the ledger `owner`. No kind: the pages are
    named and nothing more."""

    start: int
    end: int
    kind: str
    owner: str


def entries_of(answer):
    """The @entry records of `memmap raw -m`."""
    return [Entry(record.number("type"), record.number("start"),
                  record.number("pages"), record.number("attributes"))
            for record in answer.all("entry")]


def _is_usable(entry):
    return entry.type in (1, 2, 3, 4, 7)


def _keeper(entry):
    if entry.type in (11, 12):
        return "mmio"
    if entry.type in (5, 6, 10) or entry.attributes & RUNTIME:
        return "firmware"
    return "reserved"


def _claims(entry, limit):
    """The pieces of one entry: only usable ones have more than one."""
    special = {9: "acpi", 14: "persistent", 15: "unaccepted"}
    start, end = entry.names
    withheld = entry.attributes & (RUNTIME | SP) or \
        (_is_usable(entry) and not entry.attributes & WB)
    if withheld or not (_is_usable(entry) or entry.type in special):
        yield Claim(start, end, "keep", _keeper(entry))
        return
    if entry.type in special:
        kind = special[entry.type]
        yield Claim(start, end, kind, kind)
        return
    yield Claim(start, end, None, "reserved")
    start, end = entry.holds
    high = ("free", "free") if entry.type == 7 \
        else ("later", "boot_reclaimable")
    for first, last, kind, owner in (
            (0, LOW_START, "keep", "reserved"),
            (LOW_START, LOW_END, "low", "low"),
            (LOW_END, limit, *high),
            (limit, PHYSICAL_LIMIT, "keep", "reserved")):
        cut = Claim(max(start, first), min(end, last), kind, owner)
        if cut.start < cut.end:
            yield cut


def _strictness(claim):
    if claim.kind is None:
        return -1, 0
    keeper = KEEPERS.index(claim.owner) if claim.kind == "keep" else 0
    return KINDS.index(claim.kind), keeper


class Truth:
    """The map as it should be understood: `pieces` ascend and are disjoint.

    `limit` is what mem= said, in bytes."""

    def __init__(self, entries, limit=USABLE_LIMIT):
        limit = min(limit, USABLE_LIMIT)
        self.entries, self.limit, self.joining = entries, limit, None
        begins, ends = {}, {}
        for entry in entries:
            for claim in _claims(entry, limit) if entry.pages else ():
                if claim.start < claim.end:
                    begins.setdefault(claim.start, []).append((claim, entry))
                    ends.setdefault(claim.end, []).append((claim, entry))
        edges = sorted({*begins, *ends})
        over = []
        self.pieces = []
        self.lost_pages = 0
        for start, end in zip(edges, edges[1:]):
            for gone in ends.get(start, ()):
                over.remove(gone)
            over += begins.get(start, ())
            if over:
                wins = max((claim for claim, _ in over), key=_strictness)
                self.pieces.append(Claim(start, end, wins.kind, wins.owner))
                self.lost_pages += self._lost(start, end, over)

    def _lost(self, start, end, over):
        """Pages that some entry calls usable, none forbids, and that are in
        no usable region all the same."""
        plain = all(_is_usable(entry) and entry.attributes & WB and
                    not entry.attributes & (SP | RUNTIME)
                    for _, entry in over)
        if not plain or self.pieces[-1].kind in ("free", "later", "low"):
            return 0
        return (end - start) // PAGE

    def regions(self):
        """[(start, end, kind)], neighbours of one kind joined."""
        joined = []
        for piece in self.pieces:
            if piece.kind is None:
                continue
            if joined and joined[-1][1:] == (piece.start, piece.kind):
                joined[-1] = (joined[-1][0], piece.end, piece.kind)
            else:
                joined.append((piece.start, piece.end, piece.kind))
        return joined

    def pages(self, **wanted):
        """Pages in pieces with kind= or owner= as wanted."""
        (key, value), = wanted.items()
        return sum(piece.end - piece.start for piece in self.pieces
                   if getattr(piece, key) == value) // PAGE

    def pages_that_may_join(self):
        """ACPI pages that would be usable if they were memory like any other:
        in a map of all that is not usable now."""
        if self.joining is None:
            self.joining = Truth(
                [replace(entry, type=7) if entry.type == 9 else entry
                 for entry in self.entries if not _is_usable(entry)],
                self.limit)
        return self.joining.pages(kind="free") + \
            self.joining.pages(kind="low")

    def named_pages(self):
        """Every page that any entry mentions, once."""
        return sum(piece.end - piece.start for piece in self.pieces) // PAGE

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Memory in odd places and odd amounts: far above the rest, where nothing is,
in single pages, as the only frame of a node (tests/firmware/map_amount.c)."""

import re

from . import cases_acpi, cases_frames, checks, hostile
from .scenario import Scenario

PAGE = 4096
TIB = 1 << 40
FAR = "exact-16t"  # 512 MiB, and 256 MiB at 16 TiB
FAR_PAGES = 65536
SUPPORTED = 64 * TIB
# For 64 MiB and a page far away; it was 35 MiB near 16 TiB.
FEW_META_PAGES = 40
LITTLE = "little=60"  # with what the loader has, about 64 MiB
LOOK = cases_frames.LOOK
RUN = 'run="{}" on-idle=exit panic=exit'
LOST = (r"W memory: left out runs=1 pages={} first={:#x} "
        r'why="it does not keep what is written"')
BEYOND = (r"W memory: kept above the supported limit pages={} "
          f"limit={SUPPORTED:#x}")
LEFT_OUT = r"W frames: left out ranges=(\d+) pages=\1 below_pages=2 why="


def _answer(outcome, command):
    return next(answer for answer in outcome.answers
                if answer.command == command)


def _pools(outcome):
    """[(node, first, pages)] of those that have any."""
    return [(pool["node"], pool.number("first"), pool.number("pages"))
            for pool in _answer(outcome, "frames").all("pool")
            if pool.number("pages")]


def _owners(outcome):
    return checks.pages_of_owners(_answer(outcome, "ledger"))


def _warns(*patterns):
    """A check: of these once each, in this order, and of nothing else."""
    def check(outcome):
        lines = hostile.complaints(outcome.serial)
        checks.expect(len(lines) == len(patterns) and all(
            re.search(pattern, line)
            for pattern, line in zip(patterns, lines)),
            f"expected {patterns}, found {lines}")
    check.__name__ = "warns_of_that_alone"
    return check


def _last_pool_is(first, pages):
    def check(outcome):
        pools = _pools(outcome)
        checks.expect_equal("pools", len(pools), 2)
        checks.expect_equal("the far pool", pools[1], ("0", first, pages))
    check.__name__ = "far_memory_has_a_pool"
    return check


def metadata_is_little(outcome):
    """However far away memory is, or is said to be."""
    owners = _owners(outcome)
    checks.expect(owners["free"] < 20000, f"not a small machine: {owners}")
    checks.expect(owners["frame_meta"] <= FEW_META_PAGES,
                  f"{owners['frame_meta']} pages of metadata")


def _owns(owner, pages):
    def check(outcome):
        checks.expect_equal(f"pages of {owner}", _owners(outcome)[owner],
                            pages)
        bad = _answer(outcome, "bad").one("total").number("bad_pages")
        checks.expect_equal("bad pages", bad, _owners(outcome)["bad"])
    check.__name__ = "it_has_its_owner"
    return check


def each_pool_is_of_all_its_frames(outcome):
    """Sizes of pools are those that the ledger says are in them."""
    owners = _owners(outcome)
    inside = sum(pages for owner, pages in owners.items()
                 if owner not in cases_acpi.NEVER_OURS | {"acpi"})
    checks.expect_equal("pages in pools", sum(
        pages for _, _, pages in _pools(outcome)), inside)
    nodes = _answer(outcome, "numa").all("node")
    checks.expect_equal("pages of nodes", sum(
        node.number("pages") for node in nodes), inside)


COMMON = (checks.ends("ok"), checks.every_command_succeeds,
          checks.every_page_has_one_owner, checks.selftests_pass,
          each_pool_is_of_all_its_frames, hostile.tables_are_clean,
          hostile.map_is_what_the_firmware_said)
COMMANDS = ("frames -m; ledger -m; numa -m; bad -m; memmap raw -m; "
            "selftest -m; pt audit -m")
STRESS = (f"{LOOK}; numa -m; bad -m; memmap raw -m; selftest -m; "
          f"stress frames 1 -m; {LOOK}; pt audit -m")


def _scenario(name, machine, words, *more, commands=COMMANDS):
    return Scenario(
        f"sparse-{name}",
        ({"machine": machine, "hostile": words, "unheard": True,
          "limit": 120, "cmdline": RUN.format(commands)},),
        (*COMMON, *more))


# --- above 16 TiB ------------------------------------------------------------
def _far_scenarios():
    yield _scenario(
        "memory-at-16t", FAR, f"ram={16 * TIB:#x} ram_pages={FAR_PAGES}",
        _warns(), _last_pool_is(16 * TIB, FAR_PAGES),
        cases_frames.pools_are_what_the_ledger_says,
        cases_frames.nothing_is_lost, commands=STRESS)
    yield _scenario(
        "one-page-at-16t", FAR, f"ram={16 * TIB:#x} {LITTLE}",
        _warns(), _last_pool_is(16 * TIB, 1), metadata_is_little)


# --- where nothing is --------------------------------------------------------
def _nothing_scenarios():
    for name, at in (("16t", 16 * TIB - PAGE), ("64t", SUPPORTED - PAGE)):
        yield _scenario(
            f"nothing-near-{name}", FAR, f"ram={at:#x} {LITTLE}",
            _warns(LOST.format(1, at)), metadata_is_little, _owns("bad", 1))
    yield _scenario(
        "nothing-for-terabytes", FAR,
        f"ram={20 * TIB:#x} ram_pages={10 * TIB // PAGE} {LITTLE}",
        _warns(LOST.format(10 * TIB // PAGE, 20 * TIB)), metadata_is_little,
        _owns("bad", 10 * TIB // PAGE))
    yield _scenario(
        "beyond-64t", FAR, f"ram={SUPPORTED - PAGE:#x} ram_pages=3 {LITTLE}",
        _warns(LOST.format(1, SUPPORTED - PAGE), BEYOND.format(2)),
        metadata_is_little, _owns("bad", 1))


# --- too much to know of too little ------------------------------------------
def islands_are_reserved(outcome):
    """All that is above 4 GiB, since it is one page in each GiB."""
    entries = _answer(outcome, "memmap").all("entry")
    far = sum(entry.number("pages") for entry in entries
              if entry.number("start") >= 4 << 30)
    owners = _owners(outcome)
    checks.expect(owners["reserved"] > far, f"{owners['reserved']} pages")
    islands = [entry for entry in entries if entry.number("type") == 7 and
               entry.number("start") >= 4 << 30]
    checks.expect(len(islands) > 500, f"only {len(islands)} islands")
    # And a page or two between the firmware's reserved ones.
    left_out = int(re.search(LEFT_OUT, outcome.serial)[1])
    checks.expect(len(islands) <= left_out < len(islands) + 10,
                  f"{left_out} ranges, of {len(islands)} islands")


def _islands_scenario():
    return _scenario(
        "islands", "exact-600g", f"islands=1024 {LITTLE}",
        _warns(LEFT_OUT), islands_are_reserved,
        metadata_is_little)


# --- nodes -------------------------------------------------------------------
def five_nodes_and_one_frame(outcome):
    pools = _pools(outcome)
    checks.expect_equal("nodes with pools", [node for node, _, _ in pools],
                        ["0", "1", "2", "3", "4"])
    checks.expect_equal("the frame", pools[4][1:], (256 << 20, 1))
    last = _answer(outcome, "frames").one("pool", node="4")
    checks.expect_equal("free on its node", last.number("free"), 1)


def _node_scenarios():
    yield _scenario(
        "five-nodes", "pc-4cpu",
        "tables=srat_five lonely=0x10000000 lonely_pages=16384",
        _warns(), five_nodes_and_one_frame,
        cases_frames.pools_are_what_the_ledger_says,
        cases_frames.nothing_is_lost, commands=STRESS)


def caches_are_as_without_the_claim(one, other):
    """Limits are what the pools took, whatever is claimed."""
    limits = [[(cache.number("limit"), cache.number("block_limit"))
               for cache in _answer(outcome, "frames").all("frame_cache")]
              for outcome in (one, other)]
    checks.expect(limits[0] and limits[0][0][0] > 0, "no cache has a limit")
    checks.expect_equal("limits", limits[1], limits[0])
    for outcome in (one, other):
        each_pool_is_of_all_its_frames(outcome)


def _claim_scenario():
    boot = {"machine": "q35-512m", "cmdline": RUN.format(COMMANDS)}
    return Scenario(
        "sparse-claim-of-8t",
        (boot, {**boot, "hostile": "acpi_endless"}),
        (caches_are_as_without_the_claim,))


def scenarios():
    """Every scenario of memory in odd places."""
    return [*_far_scenarios(), *_nothing_scenarios(), _islands_scenario(),
            *_node_scenarios(), _claim_scenario()]

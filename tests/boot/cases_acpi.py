# SPDX-License-Identifier: MIT OR Apache-2.0
"""Boots behind ACPI tables made by the firmware tests: pointers that lead
nowhere, lengths that lie, memory in thousands of stripes
(tests/firmware/acpi_tables.c has the words)."""

import re

from . import cases_frames, checks, hostile
from .hostile import boots
from .scenario import Scenario

SMALL, FOUR, MANY = "q35-512m", "pc-4cpu", "q35-16cpu"
LARGE, VAST = "q35-9g", "exact-600g"
POWER_FOUND = "I acpi: power reset_register=1 sleep=1"
LEFT_OUT = 'W acpi: left out table={} at=0x[0-9a-f]+ why="{}"'
CORRUPT, NOWHERE = "corrupt", "bad range"
LIES = tuple(LEFT_OUT.format(f"LIE{n}", NOWHERE) for n in range(6))
# So many are named one by one.
NAMED = 8
CROWD = 60
RUN = 'run="{}" on-idle=exit panic=exit'


def _answer(outcome, command):
    return next(answer for answer in outcome.answers
                if answer.command == command)


def _expect_nodes(count, cpus):
    """A check: so many nodes; their processors, one by one."""
    def check(outcome):
        nodes = _answer(outcome, "numa").all("node")
        checks.expect_equal("nodes", len(nodes), count)
        checks.expect_equal("processors", [
            node.number("cpus") for node in nodes[:len(cpus)]], list(cpus))
    check.__name__ = "nodes_have_their_processors"
    return check


def processors_are_counted_once(outcome):
    """numa counts what cpus lists, node by node."""
    want = {}
    for cpu in _answer(outcome, "cpus").all("cpu"):
        node = cpu.number("node")
        want[node] = want.get(node, 0) + 1
    checks.expect(want, "there is no processor")
    for node in _answer(outcome, "numa").all("node"):
        checks.expect_equal(f"processors of node {node['id']}",
                            node.number("cpus"),
                            want.get(node.number("id"), 0))


# Owners of what the firmware's map never offered.
NEVER_OURS = {"persistent", "unaccepted", "firmware", "reserved", "mmio", "bad"}


def nodes_have_all_there_is(outcome):
    """The nodes have as many pages in all as the ledger says are usable."""
    ours = sum(line.number("pages")
               for line in _answer(outcome, "ledger").all("ledger")
               if line["owner"] not in NEVER_OURS)
    checks.expect_equal("pages of all nodes", sum(
        node.number("pages")
        for node in _answer(outcome, "numa").all("node")), ours)


def _numa_warnings(outcome):
    return re.findall(r"W numa: ([^\r\n]*)", outcome.serial)


def _warns_once(pattern):
    """A check: of all that is said about nodes, this one line."""
    def check(outcome):
        lines = _numa_warnings(outcome)
        checks.expect(len(lines) == 1 and re.search(pattern, lines[0]),
                      f"about nodes it is said: {lines}")
    check.__name__ = "says_why_once"
    return check


# --- what is left out ----------------------------------------------------
# Kind, what is found of ACPI all the same, warnings.
TABLES = (
    ("dsdt_beyond", POWER_FOUND, (LEFT_OUT.format(r"\?{4}", NOWHERE),)),
    ("dsdt_spoilt", POWER_FOUND, (LEFT_OUT.format("DSDT", CORRUPT),)),
    # The pointer leads to a sound table that is no DSDT; or it is 0.
    ("dsdt_other", POWER_FOUND, ()),
    ("dsdt_zero", POWER_FOUND, ()),
    ("dsdt_lost", "I acpi: power reset_register=1 sleep=0",
     ("W acpi: unusable table=DSDT why=", LEFT_OUT.format(r"\?{4}", NOWHERE))),
    ("endless", POWER_FOUND, LIES),
    ("spoilt", POWER_FOUND, (LEFT_OUT.format("LIE0", CORRUPT),)),
    ("crowd", POWER_FOUND,
     (*(LEFT_OUT.format(f"LIE{n}", CORRUPT) for n in range(NAMED)),
      f"W acpi: left out more tables={CROWD - NAMED}$")),
)


def _table_scenarios():
    for kind, proof, warnings in TABLES:
        yield Scenario(
            f"hostile-tables-{kind.replace('_', '-')}",
            ({"machine": SMALL, "cmdline": hostile.CMDLINE,
              "hostile": f"tables={kind}"},), (boots(proof, warnings),))


# --- a reset register in memory -----------------------------------------
RESET_WORD = "0x5a"


def _look_at_the_register(guest, notes):
    """When the machine is reset: by port 0xcf9, after the register."""
    guest.qmp.execute("set-action", shutdown="pause")
    guest.qmp.wait_event("STOP")
    address = hostile.facts(guest.serial, "reset")[0]["at"]
    notes["register"] = guest.qmp.monitor(f"xp /1xb {address:#x}")
    return True


def register_is_written(outcome):
    checks.expect(outcome.notes["register"].split()[-1] == RESET_WORD,
                  f"the register has {outcome.notes['register']}")


def _reset_scenarios():
    """No table may be changed for it on a CPU that panics."""
    for name, options in (
            ("reboot", "on-idle=reboot"),
            ("panic-of-another-cpu", 'panic=1 run="crash pf 2"')):
        yield Scenario(
            f"reset-in-memory-{name}",
            ({"machine": MANY, "hostile": "tables=reset_memory",
              "cmdline": options},),
            (register_is_written, checks.never_says("panic: again"),
             checks.says("its_register", POWER_FOUND)),
            steps=_look_at_the_register)


# --- nodes -----------------------------------------------------------------
NODES = "numa -m; cpus -m"
WHOLE = f"{NODES}; ledger -m"
# Kind, nodes, processors of each, the line that says why.
SRATS = (
    ("srat", 2, (2, 2), None),
    ("srat_behind", 2, (2, 2), None),
    ("srat_no_cpus", 2, (4, 0), None),
    ("srat_spoilt", 1, (4,), "unusable table=SRAT why="),
    ("srat_beyond", 2, (2, 2), "beyond all memory table=SRAT left_out=3 "
                               "cut=0 limit=0x10000000000000$"),
)


def _node_scenarios():
    yield Scenario(
        "numa-without-srat",
        ({"machine": FOUR, "cmdline": RUN.format(WHOLE)},),
        (checks.ends("ok"), checks.nothing_is_complained_about,
         _expect_nodes(1, (4,)), processors_are_counted_once,
         nodes_have_all_there_is))
    for kind, count, cpus, why in SRATS:
        yield Scenario(
            f"numa-{kind.replace('_', '-')}",
            ({"machine": FOUR, "cmdline": RUN.format(WHOLE),
              "hostile": f"tables={kind}"},),
            (checks.ends("ok"), checks.every_command_succeeds,
             _expect_nodes(count, cpus), processors_are_counted_once,
             nodes_have_all_there_is,
             *((_warns_once(why),) if why else ())))


def every_cpu_has_a_node_with_memory(outcome):
    caches = _answer(outcome, "frames").all("frame_cache")
    checks.expect(caches, "there is no cache")
    checks.expect_equal("nodes of caches", {
        cache.number("node") for cache in caches}, {0})


def _sliver_scenario():
    return Scenario(
        "numa-srat-sliver",
        ({"machine": FOUR, "hostile": "tables=srat_sliver",
          "cmdline": RUN.format(f"{WHOLE}; frames -m; selftest -m; "
                                "bench frames -m")},),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.selftests_pass, _expect_nodes(2, (2, 2)),
         nodes_have_all_there_is, every_cpu_has_a_node_with_memory))


# --- thousands of stripes ----------------------------------------------------
# Kind, machine, nodes, the line that says why there are no more of them.
STRIPES = (
    ("srat_stripes", VAST, 2, None),
    ("srat_crumbs", LARGE, 16, None),
    # Each node's tables span all memory: the ledger has no room for that.
    ("srat_shreds", VAST, 1, "joined nodes=256 ranges=4800 why="),
    ("srat_splinters", SMALL, 1, "unusable table=SRAT why="),
)


def _stripe_scenarios():
    for kind, machine, count, why in STRIPES:
        yield Scenario(
            f"numa-{kind.replace('_', '-')}-{machine}",
            ({"machine": machine, "limit": 120, "hostile": f"tables={kind}",
              "cmdline": RUN.format(f"{cases_frames.LOOK}; {NODES}; "
                                    f"{cases_frames.LOOK}; pt audit -m")},),
            (checks.ends("ok"), checks.every_command_succeeds,
             _expect_nodes(count, (1,)), processors_are_counted_once,
             cases_frames.pools_are_what_the_ledger_says,
             cases_frames.nothing_is_lost, hostile.tables_are_clean,
             *((_warns_once(why),) if why else
               (checks.nothing_is_complained_about,))))


def scenarios():
    """Every scenario of made ACPI tables."""
    return [*_table_scenarios(), *_reset_scenarios(), *_node_scenarios(),
            _sliver_scenario(), *_stripe_scenarios()]

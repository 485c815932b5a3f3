# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of physical memory: what the pools say of themselves, next
to what others say of the same memory; all processors at once; its price."""

import re
import subprocess
import time

from . import checks, machine, records
from .cases_input import press, press_text
from .scenario import Scenario

PAGE = 4096
FRAMES = {"4k": 1, "2m": 512, "1g": 512 * 512}
MIB = 1 << 20
# Goal: instructions of an allocation and its free, from and to the cache.
MOST_INSTRUCTIONS = 36
# The two functions that `floor` calls have as many between them.
FLOOR_INSTRUCTIONS = 4
LONG_SECONDS = 600

LOOK = "frames -m; buddy -m; ledger -m"
COMMANDS = (f"{LOOK}; numa -m; cpus -m; memmap -m; memmap raw -m; "
            f"stress frames 1 -m; {LOOK}; pt audit -m")
STRESSED = {"q35-512m": 1, "pc-4cpu": 4, "q35-16cpu": 16,
            "q35-16cpu-4node": 16, "pc-4cpu-4node-4g": 4}


def _from(outcome, command, which=0):
    """The answer of a command; of the first, or of a later call of it."""
    answers = [answer for answer in outcome.answers
               if answer.command == command]
    checks.expect(len(answers) > which, f"{command} did not answer")
    return answers[which]


# --- pools, caches, ledger ---------------------------------------------------
def _numbers(answer, kind, key):
    """By node; a node may have several pools."""
    sums = {}
    for record in answer.all(kind):
        node = record["node"]
        sums[node] = sums.get(node, 0) + record.number(key)
    return sums


def _sizes_make_up_what_is_free(frames, buddy):
    totals = _numbers(buddy, "total", "free_pages")
    checks.expect_equal("nodes", list(totals),
                        list(_numbers(frames, "pool", "free")))
    checks.expect_equal("free pages of each node", totals,
                        _numbers(frames, "pool", "free"))
    for node, total in totals.items():
        sizes = {record["size"]: record.number("frames")
                 for record in buddy.all("free") if record["node"] == node}
        checks.expect_equal("free by size", {
            size: _numbers(frames, "pool", f"free_{size}")[node]
            for size in FRAMES}, sizes)
        checks.expect_equal(f"frames of all sizes of node {node}", sum(
            FRAMES[size] * count for size, count in sizes.items()), total)
        share = buddy.one("total", node=node)
        checks.expect_equal("not_2m_pages", share.number("not_2m_pages"),
                            sizes["4k"])
        want = 100 * sizes["4k"] / total if total else 0
        checks.expect(abs(float(share["share_percent"]) - want) < 0.01,
                      f"share {share['share_percent']}, expected {want}")


def _caches_make_up_what_is_cached(frames):
    held = dict.fromkeys(_numbers(frames, "pool", "cached"), 0)
    for cache in frames.all("frame_cache"):
        held[cache["node"]] += cache.number("frames") + \
            FRAMES["2m"] * cache.number("blocks")
        checks.expect(cache.number("frames") <= cache.number("limit") and
                      cache.number("blocks") <= cache.number("block_limit"),
                      f"too much in {cache}")
    checks.expect_equal("frames in caches", held,
                        _numbers(frames, "pool", "cached"))


def pools_are_what_the_ledger_says(outcome):
    """Before the stress and after it. Free memory below 1 MiB is `low`."""
    for which in (0, 1):
        frames = _from(outcome, "frames", which)
        owners = checks.pages_of_owners(_from(outcome, "ledger", which))
        _sizes_make_up_what_is_free(frames, _from(outcome, "buddy", which))
        _caches_make_up_what_is_cached(frames)
        pools = {key: sum(_numbers(frames, "pool", key).values())
                 for key in ("free", "cached", "misuses")}
        checks.expect_equal("free pages", pools["free"],
                            owners["free"] + owners["low"])
        checks.expect_equal("cached pages", pools["cached"], owners["cached"])
        checks.expect_equal("wrong frees", pools["misuses"], 0)
        total = _from(outcome, "ledger", which).one("total")
        checks.expect_equal("difference", total.number("difference"), 0)


def nothing_is_lost(outcome):
    """Each owner has as many pages as before the stress; caches are empty."""
    before, after = checks.both_ledgers(outcome)
    checks.expect_equal("cached after the stress", after["cached"], 0)
    for owners in (before, after):
        owners["free"] += owners.pop("cached") + owners.pop("low")
    checks.expect_equal("owners", after, before)
    pages = [_numbers(_from(outcome, "frames", which), "pool", "pages")
             for which in (0, 1)]
    checks.expect_equal("pages of each pool", pages[1], pages[0])


# --- stress ------------------------------------------------------------------
def stressed_by(cpus):
    """A check that all took part, and that nothing was wrong."""
    def check(outcome):
        stress = _from(outcome, "stress").one("stress")
        checks.expect_equal("wrong", stress.number("wrong"), 0)
        checks.expect_equal("cpus", stress.number("cpus"), cpus)
        checks.expect(stress.number("operations") > 100 * cpus,
                      f"hardly a stress: {stress}")
        checks.expect(stress.number("exchanged") > 0, "nothing changed hands")
        checks.expect(cpus == 1 or stress.number("in_handlers") > 0,
                      "no interrupt handler took part")
        checks.expect(stress.number("rounds") > 0, "no race was run")
        checks.expect_equal("winners", stress.number("winners"),
                            stress.number("rounds"))
        frames = _from(outcome, "frames", 1)
        for cpu in range(cpus):
            cache = frames.one("frame_cache", cpu=str(cpu), context="task")
            checks.expect(cache.number("refills") > 0 and
                          cache.number("drains") > 0, f"idle: {cache}")
        # A refill brings up to 64, and is asked for one of them.
        caches = [(cache.number("hits"), cache.number("refills"))
                 for cache in frames.all("frame_cache")]
        checks.expect(any(hits > 0 for hits, _ in caches),
                      "a refill brings one frame only")
    check.__name__ = "stress_found_nothing_wrong"
    return check


def _cancel_typed(guest):
    guest.type("junk\x03bad -m\n")


def _cancel_pressed(guest):
    press(guest, "x")
    press(guest, "ctrl", "c")
    press_text(guest, "bad -m\n")


def _stress_and(cancel):
    """Lets it work for a moment. Input before Ctrl-C is dropped; input
    behind it is the next command."""
    def steps(guest, _notes):
        guest.wait_for(r"^bulldog> ")
        guest.type(f"stress frames {LONG_SECONDS} -m\n")
        time.sleep(1)
        cancel(guest)
        guest.wait_for(r"^@end cmd=bad status=0")
        guest.type("selftest ledger -m\n")
        guest.wait_for(r"^@end cmd=selftest")
        return True
    return steps


def _type_ahead(guest, _notes):
    guest.wait_for(r"^bulldog> ")
    guest.type("stress frames 1 -m\nbad -m\nselftest ledger -m\n")
    guest.wait_for(r"^@end cmd=selftest")
    return True


def it_was_ended_early(outcome):
    stress = _from(outcome, "stress").one("stress")
    checks.expect_equal("wrong", stress.number("wrong"), 0)
    checks.expect_equal("cancelled", stress.number("cancelled"), 1)
    checks.expect(stress.number("operations") > 0, f"no work: {stress}")
    checks.expect(stress.number("elapsed_ms") < LONG_SECONDS * 1000 / 4,
                  f"not early: {stress}")


def it_was_not_ended_early(outcome):
    stress = _from(outcome, "stress").one("stress")
    checks.expect_equal("cancelled", stress.number("cancelled"), 0)
    checks.expect(stress.number("elapsed_ms") >= 750, f"early: {stress}")


def _cancel_scenarios():
    for name, steps, check in (
            ("cancelled", _stress_and(_cancel_typed), it_was_ended_early),
            ("cancelled-by-keyboard", _stress_and(_cancel_pressed),
             it_was_ended_early),
            ("typed-ahead", _type_ahead, it_was_not_ended_early)):
        yield Scenario(
            f"stress-{name}",
            ({"machine": "pc-4cpu", "threads": "multi",
              "cmdline": "panic=exit"},),
            (checks.ends("stopped"), checks.every_command_succeeds,
             checks.nothing_is_complained_about, checks.selftests_pass,
             check), steps=steps)


# --- nodes -------------------------------------------------------------------
def _cpus_of(node):
    if node.cpus is None:
        return []
    first, _, last = node.cpus.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _overlap(regions, start, end):
    return sum(max(0, min(end, region.number("end")) -
                   max(start, region.number("start")))
               for region in regions
               if region["kind"] in ("free", "later", "low", "acpi")) // PAGE


def _memory_is_where_it_was_plugged_in(outcome, nodes):
    numa = _from(outcome, "numa")
    regions = _from(outcome, "memmap").all("region")
    for number, node in enumerate(nodes):
        ranges = [(record.number("start"), record.number("end"))
                  for record in numa.all("range")
                  if record.number("domain") == number]
        plugged = int(node.memory[:-1]) * MIB if node.memory else 0
        # Pages that the screen and the BIOS hide.
        hidden = 384 << 10 if number == 0 else 0
        checks.expect_equal(f"bytes of node {number}",
                            sum(end - start for start, end in ranges),
                            plugged - hidden)
        checks.expect_equal(f"pages of node {number}", numa.one(
            "node", id=str(number)).number("pages"), sum(
                _overlap(regions, start, end) for start, end in ranges))


def nodes_are(shape):
    """A check of numa, cpus and caches against how the machine was built."""
    nodes = shape.nodes
    home = {cpu: number for number, node in enumerate(nodes)
            for cpu in _cpus_of(node)}

    def nearest(number):
        """The node whose memory its processors use first."""
        return min((to for to, node in enumerate(nodes) if node.memory),
                   key=lambda to: (nodes[number].distances[to], to))

    def check(outcome):
        numa = _from(outcome, "numa")
        got = [(record.number("from"), record.number("to"),
                record.number("value")) for record in numa.all("distance")]
        checks.expect_equal("distances", got, [
            (number, to, value) for number, node in enumerate(nodes)
            for to, value in enumerate(node.distances)])
        checks.expect_equal(
            "processors of numa",
            {record.number("apic"): record.number("domain")
             for record in numa.all("cpu")}, home)
        checks.expect_equal(
            "processors of cpus",
            {record.number("apic"): record.number("node")
             for record in _from(outcome, "cpus").all("cpu")}, home)
        _memory_is_where_it_was_plugged_in(outcome, nodes)
        for cache in _from(outcome, "frames").all("frame_cache"):
            checks.expect_equal(
                f"home of {cache['cpu']}", cache.number("node"),
                nearest(home[cache.number("cpu")]))
    check.__name__ = "nodes_are_as_they_were_plugged"
    return check


def _stress_scenarios():
    for name, cpus in STRESSED.items():
        shape = machine.MACHINES[name]
        more = (nodes_are(shape),) if shape.nodes else ()
        yield Scenario(
            f"frames-{name}",
            ({"machine": name, "threads": "multi", "limit": 120, "cmdline":
              f'run="{COMMANDS}" on-idle=exit panic=exit'},),
            (checks.ends("ok"), checks.every_command_succeeds,
             checks.nothing_is_complained_about,
             checks.serial_has_only_log_lines_records_and_results,
             checks.qemu_has_no_guest_errors,
             stressed_by(cpus), pools_are_what_the_ledger_says,
             nothing_is_lost, *more))


# --- whois -------------------------------------------------------------------
OWNERS_OF = {
    "free": ("free", "cached", "kernel_image", "page_table", "frame_meta",
             "boot_list", "handover", "stack", "log"),
    "low": ("low",), "acpi": ("acpi", "free"),
    "keep": ("firmware", "reserved", "mmio"),
}
OWNERS_OF["later"] = OWNERS_OF["free"]
# Types of the firmware's map that are memory on any machine.
MEMORY = (1, 2, 3, 4, 5, 6, 7, 9, 10)
STATES_OF = {"free": "free", "low": "free", "cached": "cached"}


def _ask_whois(guest, notes):
    """The first byte and the last of the first region of each kind, the
    kernel's first page, and an address without an owner."""
    guest.wait_for(r"^@end cmd=pt")
    said = records.answers(guest.serial)
    regions = records.having(said, "region").all("region")
    text = records.having(said, "leaf").one("leaf").number("phys")
    notes["asked"] = asked = [(text, None), (0xfee00123, None)]
    for kind in {region["kind"]: region for region in regions}:
        region = next(one for one in regions if one["kind"] == kind)
        asked.append((region.number("start"), region))
        asked.append((region.number("end") - 1, region))
    for count, (address, _) in enumerate(asked):
        guest.type(f"whois {address:x} -m\r")
        guest.wait_for(r"^@end cmd=whois", count + 1)
    return True


def whois_knows_every_kind(outcome):
    """Each answer against the map, the ledger's rules, the direct map."""
    asked = outcome.notes["asked"]
    answers = [answer for answer in outcome.answers
               if answer.command == "whois"]
    checks.expect_equal("answers", len(answers), len(asked))
    entries = outcome.answer_with("entry").all("entry")
    for (address, region), answer in zip(asked, answers):
        who = answer.one("whois", phys=f"{address:#x}")
        named = [entry for entry in entries if entry.number("start") <=
                 address < entry.number("start") +
                 PAGE * entry.number("pages")]
        checks.expect_equal(
            f"descriptors of {address:#x}",
            [one["type"] for one in answer.all("descriptor")],
            [one["type"] for one in named])
        if region:
            _expect_region(who, region["kind"], named)
    text, nowhere = (answers[at].one("whois") for at in (0, 1))
    checks.expect_equal("the kernel's first page", (
        text["owner"], text["state"], text.number("leaf") >= PAGE),
        ("kernel_image", "allocated", True))
    for key in ("region", "owner", "node", "state"):
        checks.expect_equal(f"{key} of nothing", nowhere[key], "none")
    checks.expect_equal("leaf of nothing", nowhere.number("leaf"), 0)


def _expect_region(who, kind, named):
    checks.expect_equal("region", who["region"], kind)
    checks.expect(who["owner"] in OWNERS_OF[kind], f"owner: {who}")
    checks.expect_equal("node", who["node"], "0" if any(
        entry.number("type") in MEMORY for entry in named) else "none")
    if kind == "keep":
        want = "none"
    else:
        want = STATES_OF.get(who["owner"], "allocated")
    checks.expect_equal(f"state of {who['owner']}", who["state"], want)
    checks.expect_equal(
        "whether a pool has it", who.number("piece") in (PAGE, 2 * MIB),
        want != "none")
    checks.expect_equal("whether it is mapped", who.number("leaf") > 0,
                        kind != "keep")


# --- what people type --------------------------------------------------------
MISTAKES = ("whois zz", "whois", "whois 1 2", "whois 0x",
            "whois 10000000000000000", "whois fffffffffffff000",
            "frames all", "buddy 0", "numa 0", "cpus 0", "bench",
            "bench memory", "stress", "stress frames", "stress frames 0",
            "stress frames 3601", "stress frames -1", "stress frames one",
            "bad x", "bad 1000 0", "bad 0 99999999999", "bad -1",
            "bad ffffffffffffffff", "ledger foo", "meminfo foo",
            "selftest ledger 3", "help frames buddy", "memmap raw foo")
NEW_COMMANDS = ("frames", "buddy", "numa", "cpus", "whois", "bench", "stress")


def each_mistake_is_one_line(outcome):
    """The command's name, what is wrong, and a status that is not 0."""
    checks.expect_equal("answers", [answer.command for answer
                                    in outcome.answers],
                        [mistake.split()[0] for mistake in MISTAKES])
    for answer in outcome.answers:
        checks.expect(answer.status != 0, f"{answer.command} succeeded")
        checks.expect_equal("records", len(answer.records), 0)
    said = re.findall(r"^\[[0-9.]+\] E (\w+): .*", outcome.serial, re.M)
    checks.expect_equal("who complained", said, [
        mistake.split()[0] for mistake in MISTAKES])


def whois_says_sizes_as_people_do(outcome):
    pool = re.findall(r"^  pool +\w+, part of (\d+ \w+)$", outcome.serial,
                      re.M)
    leaf = re.findall(r"^  mapped +0x[0-9a-f]+, in a leaf of (\d+ \w+)$",
                      outcome.serial, re.M)
    sizes = ("4 KiB", "2 MiB", "1 GiB")
    checks.expect(pool == ["2 MiB"] and len(leaf) == 1 and leaf[0] in sizes,
                  f"pool {pool}, leaf {leaf}")


def help_has_them(outcome):
    names = [record["name"]
             for record in _from(outcome, "help").all("command")]
    for name in NEW_COMMANDS:
        checks.expect(name in names, f"help does not know {name}")


def _people_scenarios():
    yield Scenario(
        "whois",
        ({"machine": "q35-512m", "cmdline": 'run="memmap -m; memmap raw -m; '
          'pt find ffffffff80000000 -m" on-idle=monitor'},),
        (checks.ends("stopped"), checks.every_command_succeeds,
         whois_knows_every_kind), steps=_ask_whois)
    yield Scenario(
        "frames-mistakes",
        ({"machine": "q35-512m", "cmdline": 'run="' + "; ".join(
            mistake + " -m" for mistake in MISTAKES) + '" on-idle=exit'},),
        (checks.ends("command failed"), each_mistake_is_one_line))
    yield Scenario(
        "frames-plain",
        ({"machine": "pc-4cpu-4node-4g", "cmdline":
          'run="frames; buddy; numa; cpus; whois 1000000; whois 0xfee00000; '
          'bench frames; stress frames 1; help stress; help -m" '
          'on-idle=exit panic=exit'},),
        (checks.ends("ok"), checks.nothing_is_complained_about,
         checks.serial_has_no_control_bytes, help_has_them,
         whois_says_sizes_as_people_do))


# --- the price ---------------------------------------------------------------
def a_pair_is_cheap(outcome):
    """64 frames taken and given back, from the cache to the cache: what is
    more than a loop around functions that do nothing."""
    bench = _from(outcome, "bench")
    each = {record["name"]: record.number("tsc_ticks") /
            record.number("operations") for record in bench.all("bench")}
    pair = each["burst_4k"] - each["floor"] + FLOOR_INSTRUCTIONS
    checks.expect(each["floor"] > FLOOR_INSTRUCTIONS and pair > 10,
                  f"this cannot have been counted: {each}")
    checks.expect(pair <= MOST_INSTRUCTIONS, f"{pair:.1f} instructions")


def a_pair_locks_nothing(outcome):
    """No locked instruction in what is called, as the linker has it."""
    for function in ("frame_cache_alloc", "frame_cache_free"):
        done = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn",
             f"--disassemble={function}", outcome.notes["kernel"]],
            check=True, capture_output=True, text=True)
        code = [line.partition("\t")[2] for line in done.stdout.splitlines()
                if re.match(r"\s*[0-9a-f]+:\t", line)]
        checks.expect(len(code) > 10, f"{function} was not found")
        locked = [line for line in code
                  if re.match(r"lock\b|xchg .*\(|[ms]fence|cli\b", line)]
        checks.expect(not locked, f"{function}: {locked}")


def _price_scenarios():
    yield Scenario(
        "frames-price",
        ({"machine": "exact-512m", "exact": True, "cmdline":
          'run="bench frames -m" on-idle=exit panic=exit'},),
        (checks.ends("ok"), checks.every_command_succeeds, a_pair_is_cheap,
         a_pair_locks_nothing))


# --- 4 TiB -------------------------------------------------------------------
def knows_4_tib(outcome):
    """All of it is in the pool, most of it in pieces of 1 GiB."""
    pool = _from(outcome, "frames").one("pool", node="0")
    checks.expect(pool.number("pages") * PAGE > (4 << 40) - (256 * MIB),
                  f"too little: {pool}")
    checks.expect(pool.number("free_1g") > 4080, f"in small pieces: {pool}")
    last = _from(outcome, "whois").one("whois")
    checks.expect_equal("the last GiB", (last["owner"], last["state"],
                                         last.number("piece")),
                        ("free", "free", 1 << 30))
    total = _from(outcome, "ledger").one("total")
    checks.expect_equal("difference", total.number("difference"), 0)


def _large_scenarios():
    yield Scenario(
        "frames-4t",
        ({"machine": "exact-4t", "limit": 120, "cmdline":
          'run="frames -m; buddy -m; ledger -m; whois 40000000000 -m; '
          'bench frames -m" on-idle=exit panic=exit'},),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.nothing_is_complained_about, knows_4_tib))


# --- many nodes --------------------------------------------------------------
def each_node_has_a_pool(outcome):
    nodes = [record["id"] for record in _from(outcome, "numa").all("node")]
    checks.expect_equal("nodes", len(nodes), 128)
    checks.expect_equal("pools", list(_numbers(
        _from(outcome, "frames"), "pool", "free")), nodes)


def _many_scenarios():
    yield Scenario(
        "frames-128-nodes",
        ({"machine": "q35-128-nodes", "cold": True, "limit": 120, "cmdline":
          f'run="{COMMANDS}" on-idle=exit panic=exit'},),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.nothing_is_complained_about, each_node_has_a_pool,
         pools_are_what_the_ledger_says, nothing_is_lost))


def scenarios():
    """Every scenario of physical memory."""
    return [*_stress_scenarios(), *_cancel_scenarios(),
            *_people_scenarios(), *_price_scenarios(), *_large_scenarios(),
            *_many_scenarios()]

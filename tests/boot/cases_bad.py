# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of memory that is not to be used: named by an option, by a
command, or by the hardware."""

import re

from . import boot, checks, oracle
from .scenario import Scenario

PAGE = oracle.PAGE
LOADER_CODE, RESERVED = 1, 0  # types in the firmware's map

WHERE_THE_KERNEL_IS = "pt find ffffffff80000000 -m"
RECORDS = (WHERE_THE_KERNEL_IS + "; memmap -m; memmap raw -m; "
           "ledger -m; bad -m; selftest -m; pt audit -m")
GOOD = (checks.ends("ok"), checks.every_command_succeeds,
        checks.selftests_pass, checks.qemu_has_no_guest_errors)

# Two that are free on every machine here.
FREE_FRAMES = (0x8001000, 0x8003000)
SCRUBBED = 0xbd000000000000c1  # uncorrected, found by a scrub, contained
LOADED = 0xbd80000000100134  # uncorrected, and the running code needs it
NO_MEMORY = 1
CORRUPT = 0xbb00000000000405  # and nothing that the processor has is right


def _options(commands, *options):
    return " ".join([f'run="{commands}"', *options])


# --- where things are --------------------------------------------------------
def _kernel_is_at(outcome):
    return outcome.answer_with("leaf").one("leaf").number("phys")


def _entries(outcome, kind):
    """(start, end) of the firmware's entries of a type."""
    return [(entry.number("start"),
             entry.number("start") + entry.number("pages") * PAGE)
            for entry in outcome.answer_with("entry").all("entry")
            if entry.number("type") == kind]


def _after_a_plain_boot(cmdline):
    """A command line made from the records of a plain boot: the addresses of
    memory in use differ between firmware versions."""
    def made(lab, folder):
        return cmdline(lab.run(boot.Request(
            machine="q35-512m", app=lab.app, cmdline=_options(
                WHERE_THE_KERNEL_IS + "; memmap -m; memmap raw -m",
                "on-idle=exit panic=exit")), folder / "plain"))
    return made


# --- memmap= -----------------------------------------------------------------
def _options_against(plain):
    """Bad ranges: from the kernel to the loader's last page, as a plain boot
    has them; the ACPI tables; low memory; two single bytes; nothing."""
    start = _kernel_is_at(plain)
    size = max(end for _, end in _entries(plain, LOADER_CODE)) - start
    acpi = next(region for region in plain.answer_with("region").all("region")
                if region["kind"] == "acpi")
    acpi_size = acpi.number("end") - acpi.number("start")
    # A list, a word of its own, and two forms that are only named.
    return _options(
        RECORDS, f"memmap={size >> 10}K${start:#x},"
        f"{acpi_size:#x}${acpi.number('start'):#x},4096@4096 "
        "memmap=4K$512K,2$0x5000fff memmap=1G$1G memmap=4K@1M",
        "on-idle=exit panic=exit")


def _number(text):
    """As an option has it: 0x10, 512, 4K."""
    shift = {"K": 10, "M": 20, "G": 30}.get(text[-1], 0)
    return int(text[:-1] if shift else text, 0) << shift


def _places(outcome):
    """(start, size) of each that the options named, in their order."""
    return [(_number(start), _number(size)) for size, start in
            re.findall(r"[=,](\w+)\$(\w+)", outcome.notes["cmdline"])]


def _pages_of(places):
    """(start, end) of each, rounded outward."""
    return [(start // PAGE * PAGE, -(-(start + size) // PAGE) * PAGE)
            for start, size in places]


def _with_bad(regions, places):
    """The regions as they are with these places out of use."""
    edges = sorted({edge for start, end, *_ in [*regions, *_pages_of(places)]
                    for edge in (start, end)})
    joined = []
    for start, end in zip(edges, edges[1:]):
        kind = next((region[2] for region in regions
                     if region[0] <= start < region[1]), None)
        if kind is None:
            continue
        if kind != "keep" and any(first <= start < last for first, last
                                  in _pages_of(places)):
            kind = "bad"
        if joined and joined[-1][1:] == (start, kind):
            joined[-1] = (joined[-1][0], end, kind)
        else:
            joined.append((start, end, kind))
    return joined


def _wanted_regions(outcome):
    raw = outcome.answer_with("entry")
    truth = oracle.Truth(oracle.entries_of(raw)).regions()
    return _with_bad(truth, _places(outcome))


def _bad_pages(outcome):
    return sum(end - start for start, end, kind in _wanted_regions(outcome)
               if kind == "bad") // PAGE


def regions_are_the_maps_without_what_is_bad(outcome):
    memmap = outcome.answer_with("region")
    got = [(record.number("start"), record.number("end"), record["kind"])
           for record in memmap.all("region")]
    checks.expect_equal("regions", got, _wanted_regions(outcome))
    # The kernel's image alone is more than 4 MiB.
    checks.expect(_bad_pages(outcome) > 1024, "too little is bad")


def _ledger(outcome):
    return checks.pages_of_owners(outcome.answer_with("ledger"))


def bad_pages_have_their_owner(outcome):
    want = _bad_pages(outcome)
    checks.expect_equal("owner bad", _ledger(outcome)["bad"], want)
    bad = outcome.answer_with("bad")
    checks.expect_equal("bad_pages", bad.one("total").number("bad_pages"),
                        want)
    checks.expect_equal("from", {record["from"] for record
                                 in bad.all("bad")}, {"option"})


def the_loader_went_elsewhere(outcome):
    start, end = _pages_of(_places(outcome))[0]
    place = _kernel_is_at(outcome)
    checks.expect(not start <= place < end, f"the kernel is at {place:#x}")


def says_where_the_loader_is(outcome):
    start, end = _pages_of(_places(outcome))[0]
    said = ("W image: the loader itself is in bad memory "
            f"start={start:#x} end={end:#x}\n")
    checks.expect(said in outcome.serial, f"nowhere in the log: {said}")


def _option_scenarios():
    yield Scenario(
        "bad-memmap",
        ({"machine": "q35-512m",
          "cmdline": _after_a_plain_boot(_options_against)},),
        GOOD + (regions_are_the_maps_without_what_is_bad,
                checks.every_page_has_one_owner, bad_pages_have_their_owner,
                the_loader_went_elsewhere,
                checks.mentions_once("memmap=4K@1M"),
                says_where_the_loader_is))
    yield Scenario(
        "bad-memmap-not-given",
        ({"machine": "q35-512m", "cmdline": _options(
            RECORDS, "on-idle=exit panic=exit")},),
        GOOD + (nothing_is_bad,))
    yield Scenario(
        "bad-memmap-all",
        ({"machine": "q35-512m", "cmdline": _options(
            RECORDS, "memmap=511M$1M on-idle=exit panic=exit")},),
        (checks.ends("returned"),
         checks.says("why", "W memory: no good place pages="),
         checks.says("what", "E loader: no memory for the handover")))


def nothing_is_bad(outcome):
    checks.expect_equal("owner bad", _ledger(outcome)["bad"], 0)


# --- the command -------------------------------------------------------------
TAKEN = ((0x8000000, 1), (0x81ff000, 2), (0x90000, 2), (0x9000000, 700))


def frames_were_taken(outcome):
    want = sum(pages for _, pages in TAKEN)
    checks.expect_equal("owner bad", _ledger(outcome)["bad"], want)
    last = [answer for answer in outcome.answers
            if answer.command == "bad"][-1]
    got = {(record.number("phys"), record.number("pages"))
           for record in last.all("bad")}
    checks.expect_equal("bad", got, set(TAKEN))
    checks.expect_equal("from", {record["from"] for record
                                 in last.all("bad")}, {"runtime"})


def nothing_of_it_is_allocated_again(outcome):
    tests = [record for answer in outcome.answers
             for record in answer.all("selftest")
             if record["name"] == "frames"]
    before, after = (test.number("taken") for test in tests)
    checks.expect_equal("frames that can be had", after,
                        before - sum(pages for _, pages in TAKEN))


BLOCK_PAGES = 512
BLOCK = BLOCK_PAGES * PAGE


def _take_a_cached_block(guest, _notes):
    """The highest block that the CPU keeps after the benchmark."""
    guest.wait_for(r"^bulldog> ")
    for line in "bench frames -m", "ledger -m":
        guest.type(line + "\n")
        guest.wait_for(rf"^@end cmd={line.split()[0]} status=0")
    for number in range(1, (512 << 20) // BLOCK):
        place = (512 << 20) - number * BLOCK
        last = place + BLOCK - PAGE
        guest.type(f"whois {place:x} -m\nwhois {last:x} -m\n")
        text = guest.wait_for(r"^@end cmd=whois status=0", 2 * number)
        if all(re.search(rf"^@whois phys={page:#x} .* state=cached ", text,
                         re.M) for page in (place, last)):
            break
    else:
        raise checks.CheckFailed("no cache has a block")
    guest.type(f"bad {place:x} {BLOCK_PAGES} -m\n")
    guest.wait_for(r"^@end cmd=bad")
    guest.type("ledger -m\n")
    guest.wait_for(r"^@end cmd=ledger status=0", 2)
    return True


def a_cached_block_was_taken(outcome):
    before, after = checks.both_ledgers(outcome)
    checks.expect(before["cached"] >= BLOCK_PAGES, "no block is cached")
    checks.expect_equal("owner bad", after["bad"], BLOCK_PAGES)
    checks.expect_equal("pages in all", sum(after.values()),
                        sum(before.values()))


def what_was_bad_stays_bad(outcome):
    """Between the two records an allocation was refused; no frame was freed."""
    before, after = checks.both_ledgers(outcome)
    checks.expect(before["bad"] > 10000, "hardly anything is bad")
    checks.expect_equal("owner bad", after["bad"], before["bad"])
    checks.expect_equal("free and cached", after["free"] + after["cached"],
                        before["free"] + before["cached"])


def _refused(address, owner):
    return rf"E bad: refused phys={address:#x} pages=\d+ owner={owner} "


def _refuses(address, owner):
    return checks.says(f"that_{owner}_has_{address:x}",
                       _refused(address, owner))


def _reserved_place(outcome):
    """The first beyond all RAM: q35's configuration space."""
    return min(start for start, _ in _entries(outcome, RESERVED)
               if start >= 2 << 30)


def says_what_the_kernel_and_the_firmware_have(outcome):
    for pattern in (_refused(_kernel_is_at(outcome), "kernel_image"),
                    _refused(_reserved_place(outcome), "reserved")):
        checks.expect(re.search(pattern, outcome.serial),
                      f"{pattern!r} is nowhere in the log")


def _refusals(plain):
    return _options(
        f"{WHERE_THE_KERNEL_IS}; bad 8000000; bad 8000000; "
        f"bad {_kernel_is_at(plain):x}; bad {_reserved_place(plain):x}; "
        "bad 90000000; bad 1000; bad 8001000 0; bad x; "
        "bad ffffffffffffffff; memmap raw -m; ledger -m",
        "on-idle=exit panic=exit")


def _command_scenarios():
    take = "; ".join(f"bad 0x{phys:x} {pages} -m" for phys, pages in TAKEN)
    for machine, threads in (("q35-512m", "single"), ("pc-4cpu", "multi")):
        yield Scenario(
            f"bad-command-{machine}",
            ({"machine": machine, "threads": threads, "cmdline": _options(
                "selftest frames -m; " + take + "; selftest -m; bad -m; "
                "memmap raw -m; ledger -m", "on-idle=exit panic=exit")},),
            GOOD + (checks.nothing_is_complained_about, frames_were_taken,
                    each_command_says_how_many,
                    nothing_of_it_is_allocated_again,
                    checks.every_page_has_one_owner))
    yield Scenario(
        "bad-command-cached",
        ({"machine": "q35-512m", "cmdline": "panic=exit"},),
        (checks.ends("stopped"), checks.every_command_succeeds,
         a_cached_block_was_taken),
        steps=_take_a_cached_block)
    yield Scenario(
        "bad-leaves-little",
        ({"machine": "q35-64m", "cmdline": _options(
            "bench frames -m; bad 2100000 7000 -m; bad 900000 6000 -m; "
            "ledger -m; bench frames -m; ledger -m",
            "on-idle=exit panic=exit")},),
        (checks.ends("command failed"), what_was_bad_stays_bad,
         checks.mentions_once("bench: a frame was refused name="),
         checks.never_says("frames: refused free")))
    yield Scenario(
        "bad-command-wide",
        ({"machine": "q35-512m", "cmdline": _options(
            f"bad {WIDE[0]:x} {WIDE[1]}; ledger -m",
            "on-idle=exit panic=exit")},),
        (checks.ends("command failed"), a_wide_one_ends_in_its_total))
    yield Scenario(
        "bad-leaves-nothing",
        ({"machine": "q35-64m", "cmdline": _options(
            "bad 0 16384; selftest -m; ledger -m",
            "on-idle=exit panic=exit")},),
        (checks.ends("command failed"), what_needs_memory_was_skipped))
    yield Scenario(
        "bad-command-refuses",
        ({"machine": "q35-512m",
          "cmdline": _after_a_plain_boot(_refusals)},),
        (checks.ends("command failed"), _refuses(0x8000000, "bad"),
         says_what_the_kernel_and_the_firmware_have,
         _refuses(0x90000000, "none"), _refuses(0x1000, "reserved"),
         one_frame_is_bad,
         checks.every_page_has_one_owner))


def one_frame_is_bad(outcome):
    checks.expect_equal("owner bad", _ledger(outcome)["bad"], 1)


def each_command_says_how_many(outcome):
    totals = [answer.one("total").number("taken_pages")
              for answer in outcome.answers
              if answer.command == "bad" and answer.all("bad")
              and answer.all("total")[0].values.get("taken_pages")]
    checks.expect_equal("taken_pages", totals, [count for _, count in TAKEN])


# From 476 MiB on the kernel or the firmware is in several places.
WIDE = (0x1dc00000, 4096)


def a_wide_one_ends_in_its_total(outcome):
    lines = re.findall(r"bad: (taken|refused) phys=0x[0-9a-f]+ pages=(\d+) ",
                       outcome.serial)
    checks.expect(len(lines) > 2, f"one run only: {lines}")
    taken = sum(int(pages) for what, pages in lines if what == "taken")
    checks.expect_equal("pages in all", sum(int(pages) for _, pages in lines),
                        WIDE[1])
    checks.expect(f"\n{taken} of {WIDE[1]} pages taken out of use\n"
                  in outcome.serial, f"no total of {taken}")


# --- without memory ----------------------------------------------------------
def what_needs_memory_was_skipped(outcome):
    results = re.findall(r"^(ok|not ok) \d+ selftest_(\w+)(.*)",
                         outcome.serial, re.M)
    checks.expect_equal("tests", {name: (result, rest.strip())
                                  for result, name, rest in results}, {
        "frames": ("ok", ""), "ledger": ("ok", ""), "tables": ("ok", ""),
        "ipi": ("ok", ""), "near": ("ok", ""),
        "interrupt": ("ok", "# SKIP no memory"),
        "tlb": ("ok", "# SKIP no memory")})
    said = next(answer for answer in outcome.answers
                if answer.command == "selftest")
    checks.expect_equal("status", said.status, NO_MEMORY)
    checks.expect_equal("free pages", _ledger(outcome)["free"], 0)


# --- the hardware ------------------------------------------------------------
def _inject(guest, cpu, status, restart, address):
    said = guest.qmp.monitor(f"mce {cpu} 2 {status:#x} {4 | restart:#x} "
                             f"{address:#x} 0x8c")
    checks.expect(not said, f"QEMU refuses: {said}")


def _into_free_memory(cpu):
    """Goes on, takes the frames out of use, and still works."""
    def steps(guest, _notes):
        guest.wait_for(r"^bulldog> ")
        # Twice into one machine check bank: it must be cleared.
        for frame in FREE_FRAMES:
            _inject(guest, cpu, SCRUBBED, 1, frame + 0x234)
            guest.wait_for(rf"W bad: taken phys={frame:#x} pages=1 "
                           r"from=machine_check")
        for number, line in enumerate(
                ("bad -m", "selftest -m", "memmap raw -m", "ledger -m")):
            guest.type(line + "\n")
            guest.wait_for(r"^@end cmd=\w+ status=0", number + 1)
        return True
    return steps


def the_frames_are_listed(outcome):
    got = [(record.number("phys"), record.number("pages"))
           for record in outcome.answer_with("bad").all("bad")]
    checks.expect_equal("bad", got, [(frame, 1) for frame in FREE_FRAMES])
    checks.expect_equal("owner bad", _ledger(outcome)["bad"],
                        len(FREE_FRAMES))


def _says_what_was_survived(cpu):
    return checks.says(
        "what_was_survived",
        rf"W trap: machine_check_survived cpu={cpu} bank=2 "
        r"phys=0x8001234 owner=free\n")


def _into_what_is_used(question, status, restart):
    """The frame that `question` finds, by its record's phys."""
    def steps(guest, notes):
        guest.wait_for(r"^bulldog> ")
        guest.type(question + "\n")
        text = guest.wait_for(r"^@end cmd=pt status=0")
        place = int(re.search(r"^@leaf .*phys=(0x[0-9a-f]+)", text,
                              re.M)[1], 16)
        notes["place"] = place
        _inject(guest, 0, status, restart, place)
    return steps


def _names_the_owner(owner, why):
    def check(outcome):
        place = outcome.notes["place"]
        cause = re.search(
            rf'E trap: stopped cause="#MC [^"]* at physical {place:#x}, '
            rf'owner {owner}: {why}"', outcome.serial)
        checks.expect(cause, f"no word of {place:#x}, {owner}, {why}")
        hint = re.search(
            rf'E trap: machine_check_frame phys={place:#x} owner={owner} '
            rf'node=0 todo="start with memmap=4K\${place:#x} ',
            outcome.serial)
        checks.expect(hint, "no word of what to do")
    check.__name__ = f"names_{owner}"
    return check


def _fatal(name, question, owner, why, status=SCRUBBED, restart=1):
    return Scenario(
        f"machine-check-{name}",
        ({"machine": "q35-512m", "cmdline": "panic=exit"},),
        (checks.ends("panic"), _names_the_owner(owner, why),
         checks.never_says("machine_check_survived|panic: again"),
         checks.serial_has_no_control_bytes),
        steps=_into_what_is_used(question, status, restart))


def _corrupt(guest, _notes):
    guest.wait_for(r"^bulldog> ")
    _inject(guest, 0, CORRUPT, 1, FREE_FRAMES[0])


def _machine_check_scenarios():
    for machine, cpu, threads in (("q35-512m", 0, "single"),
                                  ("pc-4cpu", "-b 0", "multi"),
                                  ("pc-4cpu", 2, "single")):
        at = str(cpu).split()[-1]
        yield Scenario(
            f"machine-check-free-{machine}-{str(cpu).replace(' ', '')}",
            ({"machine": machine, "threads": threads,
              "cmdline": "panic=exit"},),
            (checks.ends("stopped"), _says_what_was_survived(at),
             the_frames_are_listed, checks.selftests_pass,
             checks.every_page_has_one_owner, checks.never_says("panic:")),
            steps=_into_free_memory(cpu))
    stack, image = "pt find ffffc0080000e000 -m", "pt find ffffffff80000000 -m"
    yield _fatal("stack", stack, "stack", "its owner needs it")
    yield _fatal("image", image, "kernel_image", "its owner needs it")
    yield _fatal("no-way-back", "pt find ffff800008001000 -m", "free",
                 "the interrupted code cannot go on", restart=0)
    yield _fatal("needed", "pt find ffff800008001000 -m", "free",
                 "the running code needs what is lost", status=LOADED)
    yield Scenario(
        "machine-check-corrupt",
        ({"machine": "q35-512m", "cmdline": "panic=exit"},),
        (checks.ends("panic"), checks.says(
            "why", 'cause="#MC internal error: the processor\'s state is '
            'corrupt"'), checks.never_says("survived")),
        steps=_corrupt)


def scenarios():
    """Every scenario of bad memory."""
    return [*_option_scenarios(), *_command_scenarios(),
            *_machine_check_scenarios()]

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The checks after a boot. Each one takes the Outcome (two checks take
two) and raises CheckFailed; its name is the name of the test case."""

import re
import subprocess

from . import oracle, translations


class CheckFailed(Exception):
    """A check found something; the text says what."""


def expect(truth, text):
    """CheckFailed(text) unless `truth`."""
    if not truth:
        raise CheckFailed(text)


def expect_equal(what, got, want):
    """CheckFailed with the first few differences unless got == want."""
    if got == want:
        return
    if isinstance(got, (list, tuple)):
        strange = [item for item in got if item not in want][:5]
        missing = [item for item in want if item not in got][:5]
        raise CheckFailed(f"{what}: {len(got)} where {len(want)} were "
                          f"expected; not expected: {strange}; "
                          f"missing: {missing}")
    raise CheckFailed(f"{what}: {got!r}, expected {want!r}")


def ends(verdict):
    """A check that the boot ended this way."""
    def check(outcome):
        note = outcome.notes.get("error")
        expect_equal("the boot" + (f" ({note})" if note else ""),
                     outcome.verdict, verdict)
    check.__name__ = "ends_" + verdict.replace(" ", "_")
    return check


# --- the serial line ---------------------------------------------------------
LINES = re.compile(
    r"\[\d+\.\d{6}\] [EWID] [a-z0-9_]+: .+"  # a log line
    r"|@[a-z_]+( [a-z_][a-z0-9_]*=(\"[^\"]*\"|[^\s\"]+))*"  # a record
    r"|KTAP version 1|\d+\.\.\d+|(not )?ok \d+.*|#.*"  # test results
    r"|(RETURNED|REFUSED) status=0x[0-9a-f]{16}"  # the springboard
    r"|")


def serial_has_only_log_lines_records_and_results(outcome):
    """For boots that ask for nothing but records."""
    for line in outcome.serial.split("\n"):
        expect(LINES.fullmatch(line), f"neither of them: {line!r}")


def serial_has_no_control_bytes(outcome):
    strange = re.search(r"[^\n\x20-\x7e].{0,20}", outcome.serial)
    expect(not strange, f"control byte: {strange and strange[0]!r}")


def nothing_is_complained_about(outcome):
    strange = re.findall(r"^\[[0-9.]+\] [EW] .*", outcome.serial, re.M)
    expect(not strange, "warnings and errors: " + "; ".join(strange[:3]))


def every_command_succeeds(outcome):
    expect(outcome.answers, "no command answered")
    for answer in outcome.answers:
        expect_equal(f"the status of {answer.command}", answer.status, 0)


def qemu_has_no_guest_errors(outcome):
    """`-d guest_errors`: what a real machine would silently misread."""
    strange = [line for line in outcome.trace.splitlines()
               if re.match(r"Invalid (read|write) at|.*: (bad|invalid)", line)]
    expect(not strange, "QEMU complains: " + "; ".join(strange[:3]))


# --- the map and the ledger --------------------------------------------------
def _truth(outcome):
    raw = outcome.answer_with("entry")
    expect(len(raw.all("entry")) > 20, "too short to be a firmware's map")
    return oracle.Truth(oracle.entries_of(raw))


def regions_are_what_the_raw_map_says(outcome):
    memmap = outcome.answer_with("region")
    got = [(record.number("start"), record.number("end"), record["kind"])
           for record in memmap.all("region")]
    want = _truth(outcome).regions()
    added = [region for region in got if region[2] == "mmio"]
    expect_equal("regions", [region for region in got if region not in added],
                 want)
    for start, end, _ in added:
        over = [region for region in want
                if region[0] < end and start < region[1]]
        expect(not over, f"a device's range lies over {over}")


def region_totals_are_what_the_raw_map_says(outcome):
    truth = _truth(outcome)
    total = outcome.answer_with("region").one("total")
    for kind in ("free", "later", "low", "acpi", "persistent", "unaccepted",
                 "keep"):
        expect_equal(kind + "_pages", total.number(kind + "_pages"),
                     truth.pages(kind=kind))
    expect_equal("entries", total.number("entries"), len(truth.entries))
    expect_equal("lost_pages", total.number("lost_pages"), truth.lost_pages)


def pages_of_owners(ledger):
    """The pages of each owner, from an answer with a ledger."""
    return {record["owner"]: record.number("pages")
            for record in ledger.all("ledger")}


def both_ledgers(outcome):
    """The same for the first and the second time that it is printed."""
    ledgers = [pages_of_owners(answer) for answer in outcome.answers
               if answer.all("ledger")]
    expect_equal("ledgers printed", len(ledgers), 2)
    return ledgers


def _owners(outcome):
    return pages_of_owners(outcome.answer_with("ledger"))


def every_page_has_one_owner(outcome):
    total = outcome.answer_with("ledger").one("total")
    named = _truth(outcome).named_pages()
    expect_equal("difference", total.number("difference"), 0)
    expect_equal("named_pages", total.number("named_pages"), named)
    expect_equal("owned_pages", total.number("owned_pages"), named)
    expect_equal("the sum over all owners", sum(_owners(outcome).values()),
                 named)


def _acpi_pages_that_joined(outcome):
    """As the log has it; 0 where the tables could not be copied."""
    found = re.search(r"I memory: reclaim from=acpi pages=(\d+)",
                      outcome.serial)
    return int(found[1]) if found else 0


def acpi_pages_are_free(outcome):
    """For machines with good tables: nothing of them is left."""
    expect_equal("acpi", _owners(outcome)["acpi"], 0)
    expect(_acpi_pages_that_joined(outcome) > 0, "no ACPI page joined")


def owners_are_what_the_raw_map_says(outcome):
    """The kernel's own pages come out of usable ones, so these two are
    compared in sum; every other owner alone."""
    truth, owners = _truth(outcome), _owners(outcome)
    for owner in ("low", "persistent", "unaccepted", "firmware", "reserved",
                  "mmio"):
        expect_equal(owner, owners[owner], truth.pages(owner=owner))
    joined = _acpi_pages_that_joined(outcome)
    expect_equal("acpi", owners["acpi"] + joined, truth.pages(owner="acpi"))
    expect(joined <= truth.pages_that_may_join(),
           f"{joined} ACPI pages joined")
    usable = owners["free"] + owners["boot_reclaimable"] + \
        sum(owners[owner] for owner in oracle.CARVED)
    expect_equal("free, boot_reclaimable and the kernel's", usable,
                 truth.pages(kind="free") + truth.pages(kind="later") + joined)
    expect_equal("bad", owners["bad"], 0)
    for owner in ("kernel_image", "page_table", "handover", "stack", "log"):
        expect(owners[owner] > 0, f"the kernel has no {owner}")


def kernel_owns_at_most_8_mib(outcome):
    owners = _owners(outcome)
    pages = sum(owners[owner] for owner in oracle.CARVED)
    expect(pages * oracle.PAGE <= 8 << 20, f"{pages} pages")


def ledger_stays_the_same(outcome):
    """After the self-tests as before them, but for what the CPUs keep at
    hand."""
    before, after = both_ledgers(outcome)
    for owners in before, after:
        owners["free"] += owners.pop("cached")
    expect_equal("the second ledger", after, before)


def usable_memory_ends_at(limit):
    """A check for mem=: regions and owners with that cap."""
    def check(outcome):
        truth = oracle.Truth(oracle.entries_of(outcome.answer_with("entry")),
                             limit)
        memmap = outcome.answer_with("region")
        got = [(record.number("start"), record.number("end"), record["kind"])
               for record in memmap.all("region")
               if record["kind"] != "mmio"]
        expect_equal("regions", got, truth.regions())
        owners = _owners(outcome)
        expect_equal("reserved", owners["reserved"],
                     truth.pages(owner="reserved"))
        expect(owners["free"] * oracle.PAGE < limit, "more free than mem=")
        expect(_acpi_pages_that_joined(outcome) <=
               truth.pages_that_may_join(), "ACPI memory above mem= is free")
    check.__name__ = "usable_memory_ends_at_mem"
    return check


def selftest_frames_counts_what_is_free(outcome):
    """It took every free page, and all came back with their stamps; the
    ledger was asked before."""
    frames = outcome.answer_with("selftest").one("selftest", name="frames")
    owners = _owners(outcome)
    free = owners["free"] + owners["cached"] + owners["low"]
    expect(free > 1000, f"{free} free pages are hardly a machine")
    expect_equal("pages taken", frames.number("taken"), free)
    expect_equal("stamps read back", frames.number("good"), free)


def selftests_pass(outcome):
    results = re.findall(r"^(ok|not ok) \d+ (.*)", outcome.serial, re.M)
    expect(results, "no test results")
    bad = [name for result, name in results if result != "ok"]
    expect(not bad, f"failed inside the kernel: {bad}")


# --- stages ------------------------------------------------------------------
def stages_come_in_order(outcome):
    bootinfo = outcome.answer_with("stage")
    names = [record["name"] for record in bootinfo.all("stage")]
    expect_equal("stages", names, ["efi_main", "map_final", "exit_done",
                                   "kernel_entry", "ready"])
    ticks = [record.number("tsc") for record in bootinfo.all("stage")]
    expect(ticks == sorted(ticks) and len(set(ticks)) == len(ticks),
           f"time does not ascend: {ticks}")
    calls = [record["name"] for record in bootinfo.all("firmware_call")]
    expect_equal("calls", calls, ["GetMemoryMap", "ExitBootServices"])


def boot_record_says(**wanted):
    """A check of @boot's values."""
    def check(outcome):
        outcome.answer_with("boot").one("boot", **wanted)
    check.__name__ = "boot_record_says_" + "_".join(
        f"{key}_{value}" for key, value in wanted.items())
    return check


def took_the_same_time(one, other):
    """To the instruction, from efi_main to ready."""
    times = []
    for outcome in (one, other):
        bootinfo = outcome.answer_with("stage")
        times.append(bootinfo.one("stage", name="ready").number("tsc") -
                     bootinfo.one("stage", name="efi_main").number("tsc"))
    expect_equal("ticks", times[0], times[1])


# --- page tables -------------------------------------------------------------
def page_tables_are_what_qemu_sees(outcome):
    expect("tlb" in outcome.notes, "QEMU was not asked for its view")
    got = translations.leaves_of(outcome.answer_with("leaf"))
    want = translations.leaves_of_qemu(outcome.notes["tlb"],
                                       outcome.notes["mem"])
    expect(len(want) > 100, f"QEMU sees only {len(want)} leaves")
    expect_equal("leaves", got, want)


def nothing_is_writable_and_executable(outcome):
    """Also not by two addresses: a page that some leaf executes, no leaf
    writes."""
    leaves = translations.leaves_of_qemu(outcome.notes["tlb"],
                                         outcome.notes["mem"])
    code = [leaf for leaf in leaves if leaf.rights[2] == "x"]
    expect(code, "nothing is executable")
    for leaf in leaves:
        expect(leaf.rights[4] == "-", f"the user may see {leaf}")
        for other in code:
            overlap = leaf.phys < other.phys + other.bytes and \
                other.phys < leaf.phys + leaf.bytes
            expect(not (overlap and leaf.rights[1] == "w"),
                   f"{leaf} writes what {other} executes")


# --- ends --------------------------------------------------------------------
def says(what, pattern):
    """A check, named after `what`, that one line of the log has this."""
    def check(outcome):
        expect(re.search(pattern, outcome.serial),
               f"{pattern!r} is nowhere in the log")
    check.__name__ = "says_" + what
    return check


def never_says(pattern):
    """A check that the log does not have this."""
    def check(outcome):
        expect(not re.search(pattern, outcome.serial), f"it says {pattern!r}")
    check.__name__ = "never_runs"
    return check


def backtrace_has_the_linkers_names(outcome):
    """Each frame's symbol, looked up once more in kernel.elf."""
    done = subprocess.run(["nm", outcome.notes["kernel"]], check=True,
                          capture_output=True, text=True)
    starts = {}
    for line in done.stdout.splitlines():
        start, _, name = line.split()
        starts.setdefault(name, set()).add(int(start, 16))
    frames = re.findall(r"trap: frame n=\d+ address=0x([0-9a-f]+) "
                        r"symbol=([^+\s]+)\+0x([0-9a-f]+)", outcome.serial)
    expect(len(frames) >= 2, f"only {len(frames)} frames with names")
    for address, name, offset in frames:
        expect(int(address, 16) - int(offset, 16) in starts.get(name, ()),
               f"{address} is not {name}+{offset}")


def backtrace_reaches_kernel_main(outcome):
    expect(re.search(r"trap: frame .* symbol=kernel_main\+", outcome.serial),
           "it ends before kernel_main")


# Exceptions that push the address of what raised them, not of what follows.
FAULTS = (0, 6, 7, 11, 12, 13, 14)


def _last_exception(trace, vector):
    """(error code, rip, cr2) of the last one in QEMU's own log."""
    found = None
    for event in re.split(r"^\s*\d+: (?=v=)", trace, flags=re.M)[1:]:
        head = re.match(r"v=([0-9a-f]{2}) e=([0-9a-f]{4}) .*? "
                        r"IP=[0-9a-f]{4}:([0-9a-f]{16})", event)
        state = re.search(r"\bCR2=([0-9a-f]{16})", event.partition("\n")[2])
        if head and state and int(head[1], 16) == vector:
            found = int(head[2], 16), int(head[3], 16), int(state[1], 16)
    expect(found, f"QEMU never raised vector {vector}")
    return found


def _said(outcome, pattern):
    found = re.search(pattern, outcome.serial)
    expect(found, f"the report does not say {pattern!r}")
    return int(found[1], 16)


def reports_what_qemu_saw(vector):
    """A check of vector, error code, address and CR2 against QEMU's log."""
    def check(outcome):
        error, rip, cr2 = _last_exception(outcome.trace, vector)
        expect_equal("error code", _said(
            outcome, rf"trap: exception vector={vector} name=\S+ "
            r"error=0x([0-9a-f]+)"), error)
        if vector in FAULTS:
            expect_equal("rip", _said(
                outcome, r"registers rip=0x([0-9a-f]+)"), rip)
        if vector in (8, 14):
            expect_equal("cr2", _said(outcome, r"\bcr2=0x([0-9a-f]+)"), cr2)
    check.__name__ = "reports_what_qemu_saw"
    return check


def _shutdown_reasons(outcome):
    return [event["data"].get("reason") for event in outcome.notes["events"]
            if event.get("event") == "SHUTDOWN"]


def was_powered_off(outcome):
    expect_equal("why QEMU ended", _shutdown_reasons(outcome),
                 ["guest-shutdown"])


def was_reset(outcome):
    """By asking for it, not by a triple fault, which looks alike."""
    expect_equal("why QEMU ended", _shutdown_reasons(outcome),
                 ["guest-reset"])
    expect("Triple fault" not in outcome.trace, "it was a triple fault")


def mentions_once(word):
    """A check that exactly one line complains about a word."""
    def check(outcome):
        lines = [line for line in outcome.serial.splitlines()
                 if word in line and re.match(r"\[.*\] [WE] ", line)]
        expect_equal(f"lines about {word}", len(lines), 1)
    check.__name__ = "mentions_it_once"
    return check


def refusal_is_one_line(outcome):
    """Seen twice: what the loader says to the firmware's console, the
    firmware says on COM1 again."""
    lines = {line for line in outcome.serial.splitlines()
             if re.match(r"\[.*\] E ", line)}
    expect_equal("different lines of complaint", len(lines), 1)


# --- two boots ---------------------------------------------------------------
def both_are_alike(one, other):
    """The same machine twice: same map, ledger, layout, tables."""
    def essence(outcome):
        return [line for line in outcome.serial.splitlines()
                if line.startswith("@") and
                not re.match(r"@(stage|firmware_call)\b", line)]
    expect(len(essence(one)) > 50, "too little was printed to compare")
    expect_equal("records", essence(one), essence(other))

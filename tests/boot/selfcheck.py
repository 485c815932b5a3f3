#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Would the boot tests notice? Each check is given a boot that is right, and
then the same boot with one lie in it. Prints KTAP lines."""

import re
import sys
import traceback
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from boot import boot, cases, checks, hostile, oracle  # noqa: E402
from boot import records, screen_reader, translations  # noqa: E402

WB, RUNTIME, SP = oracle.WB, oracle.RUNTIME, oracle.SP
MIB = 1 << 20

# One entry of each sort: type, first page, pages, attributes.
PICTURE = (
    (7, 0x0, 0xa0, WB), (0, 0xf0, 0x10, 0), (7, 0x100, 0x700, WB),
    (10, 0x800, 8, WB), (4, 0x808, 0x10, WB), (6, 0x818, 4, WB | RUNTIME),
    (9, 0x81c, 4, WB), (7, 0x820, 4, 0), (7, 0x824, 4, WB | SP),
    (3, 0x828, 8, WB | RUNTIME), (14, 0x830, 0x10, WB), (15, 0x840, 8, WB),
    (11, 0x1000, 0x10, RUNTIME), (7, 0x1010, 0x10, WB), (5, 0x1018, 4, WB),
    (7, 0x9000000000, 2, WB), (0x70000001, 0x1030, 1, WB), (8, 0x1031, 1, WB),
    (7, 0x1032, 0, WB), (7, 0x3ffffffff, 2, WB), (2, 0x900, 4, WB),
    (1, 0x904, 4, WB),
)
# Starts inside pages, ends beyond the last address: as an Entry has it.
ODD = (
    (7, 0x3000800, 4, WB), (0, 0x3010123, 2, 0),
    (7, (1 << 52) - 0x8000, 16, WB), (0, (1 << 52) - 0x3000, 1 << 52, 0),
)
REGIONS = (
    (0x0, 0x10, "keep"), (0x10, 0xa0, "low"), (0xf0, 0x100, "keep"),
    (0x100, 0x800, "free"), (0x800, 0x808, "keep"), (0x808, 0x818, "later"),
    (0x818, 0x81c, "keep"), (0x81c, 0x820, "acpi"), (0x820, 0x830, "keep"),
    (0x830, 0x840, "persistent"), (0x840, 0x848, "unaccepted"),
    (0x900, 0x908, "later"), (0x1000, 0x1010, "keep"),
    (0x1010, 0x1018, "free"), (0x1018, 0x101c, "keep"),
    (0x101c, 0x1020, "free"), (0x1030, 0x1032, "keep"),
    (0x3001, 0x3004, "free"), (0x3010, 0x3013, "keep"),
    (0x3ffffffff, 0x400000000, "free"),
    (0x400000000, 0x400000001, "keep"),  # beyond 64 TiB
    (0x9000000000, 0x9000000002, "keep"),
    (0xfffffffffd, 0x10000000000, "keep"),
)
OWNERS = {
    "low": 0x90, "acpi": 0, "persistent": 0x10, "unaccepted": 8,
    "firmware": 8 + 4 + 8 + 4, "mmio": 0x10, "bad": 0,
    "reserved": 0x10 + 0x10 + 4 + 4 + 1 + 1 + 1 + 2 + 2 + 3 + 8,
    "kernel_image": 0x20, "page_table": 0x10, "handover": 8, "stack": 4,
    "log": 4,
}
USABLE = 0x700 + 0x10 + 8 + 8 + 4 + 1 + 3
ACPI = 4  # and all of it joined

TLB = """\
ffff800000000000: 0000000000000000 XG-DA---W
ffff800000001000: 0000000000001000 XGPDA----
ffff800000200000: 0000000000200000 XGPDA---W
ffff800040000000: 0000000040000000 XGPDA---W
ffffc00000000000: 00000000c0000000 X--DACT-W
ffffffff80000000: 0000000001000000 -GPDA----
"""
MEM = """\
ffff800000000000-ffff800000001000 0000000000001000 -rw
ffff800000001000-ffff800000002000 0000000000001000 -r-
ffff800000200000-ffff800000400000 0000000000200000 -rw
ffff800040000000-ffff800080000000 0000000040000000 -rw
ffffc00000000000-ffffc00000001000 0000000000001000 -rw
ffffffff80000000-ffffffff80200000 0000000000200000 -r-
"""
LEAVES = """\
@leaf virt=0xffff800000000000 phys=0x0 bytes=4096 rights=rw-g- cache=wb
@leaf virt=0xffff800000001000 phys=0x1000 bytes=4096 rights=r--g- cache=wc
@leaf virt=0xffff800000200000 phys=0x200000 bytes=2097152 rights=rw-g- cache=wb
@leaf virt=0xffff800040000000 phys=0x40000000 bytes=1073741824 rights=rw-g- \
cache=wc
@leaf virt=0xffffc00000000000 phys=0xc0000000 bytes=4096 rights=rw--- cache=uc
@leaf virt=0xffffffff80000000 phys=0x1000000 bytes=2097152 rights=r-xg- \
cache=wb
@end cmd=pt status=0
"""


def entries():
    """The picture as oracle entries."""
    return [oracle.Entry(kind, first * oracle.PAGE, pages, attributes)
            for kind, first, pages, attributes in PICTURE] \
        + [oracle.Entry(*odd) for odd in ODD]


def ledger_lines():
    """A ledger that fits the picture."""
    carved = sum(OWNERS[owner] for owner in oracle.CARVED if owner in OWNERS)
    owners = {**dict.fromkeys(oracle.CARVED, 0), **OWNERS,
              "boot_reclaimable": 0x10,
              "free": USABLE - carved - 0x10 + ACPI}
    named = sum(owners.values())
    return [f"@ledger owner={owner} pages={pages}"
            for owner, pages in owners.items()] + [
        f"@total named_pages={named} owned_pages={named} difference=0",
        "@end cmd=ledger status=0"], owners["free"]


def good_serial():
    """The output of a healthy boot on the picture's machine."""
    truth = oracle.Truth(entries())
    ledger, free = ledger_lines()
    all_free = free + OWNERS["low"]
    totals = " ".join(
        f"{kind}_pages={truth.pages(kind=kind)}" for kind in
        ("free", "later", "low", "acpi", "persistent", "unaccepted", "keep"))
    return "\n".join([
        f"[0.100000] I memory: reclaim from=acpi pages={ACPI} free_pages=1",
        *(f"@region start={start * oracle.PAGE:#x} end={end * oracle.PAGE:#x} "
          f"kind={kind}" for start, end, kind in REGIONS),
        f"@total {totals} entries={len(entries())} dropped_entries=1 "
        f"lost_pages={0x10 + 1 + 2 + 2 + 5}", "@end cmd=memmap status=0",
        *(f"@entry type={entry.type} start={entry.start:#x} "
          f"pages={entry.pages} attributes={entry.attributes:#x}"
          for entry in entries()), "@end cmd=memmap status=0",
        *ledger,
        *(f"@stage name={name} tsc={tsc}" for tsc, name in enumerate(
            ("efi_main", "map_final", "exit_done", "kernel_entry", "ready"))),
        "@firmware_call name=GetMemoryMap tsc_ticks=1",
        "@firmware_call name=ExitBootServices tsc_ticks=1",
        "@end cmd=bootinfo status=0",
        f"@selftest name=frames taken={all_free} good={all_free} "
        f"ledger_free={all_free}",
        "ok 1 selftest_frames", "1..1", "@end cmd=selftest status=0",
        *ledger, ""])


def outcome_of(serial, verdict="ok", **notes):
    """An Outcome out of thin air."""
    return boot.Outcome(verdict, serial, notes.pop("trace", ""), notes)


# check, what to look for in the good log, what to put in its place
LIES = (
    (checks.regions_are_what_the_raw_map_says, "kind=low", "kind=free"),
    (checks.regions_are_what_the_raw_map_says, "end=0xa0000 ", "end=0xa1000 "),
    (checks.region_totals_are_what_the_raw_map_says, "lost_pages=26",
     "lost_pages=0"),
    (checks.region_totals_are_what_the_raw_map_says, "low_pages=144",
     "low_pages=145"),
    (checks.every_page_has_one_owner, "difference=0", "difference=1"),
    (checks.every_page_has_one_owner, "owner=acpi pages=0",
     "owner=acpi pages=1"),
    (checks.owners_are_what_the_raw_map_says, "owner=firmware pages=24",
     "owner=firmware pages=23"),
    (checks.owners_are_what_the_raw_map_says, "owner=stack pages=4",
     "owner=stack pages=5"),
    (checks.acpi_pages_are_free, "owner=acpi pages=0", "owner=acpi pages=4"),
    (checks.stages_come_in_order, "name=ready tsc=4", "name=ready tsc=3"),
    (checks.selftest_frames_counts_what_is_free, "taken=", "taken=1"),
    (checks.selftest_frames_counts_what_is_free, "good=", "good=1"),
    (checks.selftests_pass, "ok 1 selftest", "not ok 1 selftest"),
    (checks.every_command_succeeds, "cmd=ledger status=0",
     "cmd=ledger status=7"),
    (checks.serial_has_only_log_lines_records_and_results, "@end cmd=memmap",
     "oops @end cmd=memmap"),
    (checks.serial_has_no_control_bytes, "@end", "\x1b[0m@end"),
)


def refuses(check, *outcomes):
    """Whether the check raises what a failed check raises."""
    try:
        check(*outcomes)
    except (checks.CheckFailed, records.BadRecord):
        return True
    return False


def each_lie_is_noticed():
    good = good_serial()
    for check, truth, lie in LIES:
        assert truth in good, truth
        assert not refuses(check, outcome_of(good)), check.__name__
        spoilt = outcome_of(good.replace(truth, lie, 1))
        assert refuses(check, spoilt), (check.__name__, lie)


def ledger_must_not_change():
    good = good_serial()
    check = checks.ledger_stays_the_same
    assert not refuses(check, outcome_of(good))
    last = good.rindex("owner=free")
    assert refuses(check, outcome_of(good[:last] + "owner=free pages=7\n" +
                                     good[last:].split("\n", 1)[1]))


def oracle_draws_the_picture():
    pages = [(start // oracle.PAGE, end // oracle.PAGE, kind)
             for start, end, kind in oracle.Truth(entries()).regions()]
    assert pages == list(REGIONS), pages


def oracle_knows_the_limit():
    capped = oracle.Truth(entries(), 4 * MIB).regions()
    assert (4 * MIB, 0x81c << 12, "keep") in capped, capped


def leaves_agree_with_qemu():
    got = translations.leaves_of(
        records.having(records.answers(LEAVES), "leaf"))
    assert got == translations.leaves_of_qemu(TLB, MEM), got
    for lie in (("rights=rw-g-", "rights=rwxg-"), ("phys=0x200000", "phys=0x0"),
                ("bytes=4096", "bytes=2097152"), ("cache=uc", "cache=wb")):
        spoilt = records.answers(LEAVES.replace(*lie, 1))
        assert translations.leaves_of(spoilt[0]) != got, lie


def writable_code_is_noticed():
    check = checks.nothing_is_writable_and_executable
    assert not refuses(check, outcome_of("", tlb=TLB, mem=MEM))
    for place in ("ffff800000200000: 0000000000200000 XGPDA---W",
                  "ffffffff80000000: 0000000001000000 -GPDA----"):
        head = place.split(" ", maxsplit=1)[0]
        for flags in ("-GPDA---W", "XGPDA--UW"):
            spoilt = TLB.replace(place, f"{head} 0000000000200000 {flags}")
            assert refuses(check, outcome_of("", tlb=spoilt, mem=MEM)), flags
    alias = TLB.replace("0000000000200000 XGPDA---W",
                        "0000000001000000 XGPDA---W")
    assert refuses(check, outcome_of("", tlb=alias, mem=MEM))


def records_are_read_to_the_letter():
    record = records.parse('@a_b key=0x10 text="two\\x20 words" empty=""')
    assert record.number("key") == 16
    assert record["text"] == "two  words" and record["empty"] == ""
    for bad in ("@Type a=1", "@type a", "@type a=1 a=2", '@type a="open',
                "@type A=1", '@type a=b"c"'):
        try:
            records.parse(bad)
        except records.BadRecord:
            continue
        raise AssertionError(bad)


TRACE = """\
     0: v=0e e=0002 i=0 cpl=0 IP=0010:00000000000000aa pc=aa SP=0018:ff \
CR2=ffffc00800001ff8
CR0=80010033 CR2=ffffc00800001ff8 CR3=1
     1: v=08 e=0000 i=0 cpl=0 IP=0010:00000000000000aa pc=aa SP=0018:ff \
env->regs[R_EAX]=0
CR0=80010033 CR2=ffffc00800000ff8 CR3=1
"""


def reports_are_held_against_qemus_log():
    report = ("trap: exception vector={} name=XX error=0x{:x} means=\"\"\n"
              "trap: registers rip=0x{:x} rsp=0x0 rflags=0x0\n"
              "trap: registers cr0=0x0 cr2=0x{:x} cr3=0x0\n")
    for vector, error, address in ((14, 2, 0xffffc00800001ff8),
                                   (8, 0, 0xffffc00800000ff8)):
        check = checks.reports_what_qemu_saw(vector)
        good = vector, error, 0xaa, address
        assert not refuses(check, outcome_of(report.format(*good),
                                             trace=TRACE))
        assert refuses(check, outcome_of(report.format(*good)))
        for place in (0, 1, 3):
            spoilt = list(good)
            spoilt[place] += 1
            assert refuses(check, outcome_of(report.format(*spoilt),
                                             trace=TRACE)), place
    spoilt = report.format(14, 2, 0xab, 0xffffc00800001ff8)
    assert refuses(checks.reports_what_qemu_saw(14),
                   outcome_of(spoilt, trace=TRACE))


FACTS = """\
# hostile: exit round=1 failed=0 refused=1 exits=2 maps=4 late_calls=0 \
connects=0 watchdog_off=1
# hostile: map answers=4 entries={entries} plots=0 checksum={checksum}
# hostile: pages odd=0 asked=2548 odd_types=0
[0.1] W room: odd thing=1
"""
AUDIT = "@audit pages=14 findings=0\n@end cmd=pt status=0\n"
HOSTILE_LIES = (
    ("exits=2", "exits=3"), ("late_calls=0", "late_calls=1"),
    ("connects=0", "connects=1"), ("watchdog_off=1", "watchdog_off=0"),
    ("checksum=", "checksum=1"), ("entries=", "entries=1"),
    ("odd_types=0", "odd_types=1"), ("asked=2548", "asked=9999"),
    ("findings=0", "findings=1"), ("[0.1] W room: odd thing=1\n", ""),
    ("[0.1] W room", "[0.1] E moor"), ("W room", "W room: x\n[0.2] W room"),
    ("@entry type=6 ", "@entry type=5 "), ("kind=low", "kind=free"),
)
RETURNED = """\
[0.2] I loader: hello
[0.3] E loader: no memory for it
[0.3] E loader: no memory for it
# hostile: returned round=1 status=0x8000000000000009 kept=0
"""
RETURNED_LIES = (("8000000000000009", "0000000000000009"),
                 ("kept=0", "kept=-1"),
                 ("[0.3] E loader: no", "[0.4] E loader: never any"),
                 ("# hostile: returned", "# hostile: vanished"))
STOPPED = """\
[0.3] E exit: firmware keeps us
[0.3] E loader: stop action=reset
"""
STOPPED_LIES = (("keeps", "loves"), ("action=reset", "action=none"),
                ("[0.3] E loader: stop", "[0.3] I loader: stop"))
RESET = [{"event": "SHUTDOWN", "data": {"reason": "guest-reset"}}]


def hostile_serial():
    """The output of a boot behind the hostile firmware."""
    serial = good_serial()
    raw = records.having(records.answers(serial), "entry").all("entry")
    return FACTS.format(entries=len(raw), checksum=hostile.checksum_of(raw)) \
        + serial + AUDIT


def lies_behind_lies_are_noticed():
    for check, truth, lies, verdict in (
            (hostile.boots("maps=4", (r"W room: odd",)), hostile_serial(),
             HOSTILE_LIES, "ok"),
            (hostile.refuses("no memory"), RETURNED, RETURNED_LIES,
             "returned"),
            (hostile.stops("keeps us"), STOPPED, STOPPED_LIES, "shutdown")):
        assert not refuses(check, outcome_of(truth, verdict, events=RESET))
        assert refuses(check, outcome_of(truth, "timeout", events=RESET))
        for good, lie in lies:
            assert good in truth, good
            spoilt = truth.replace(good, lie, 1)
            assert refuses(check, outcome_of(spoilt, verdict,
                                             events=RESET)), (good, lie)
    assert refuses(hostile.boots("maps=5"), outcome_of(hostile_serial()))
    assert refuses(hostile.stops("keeps us"),
                   outcome_of(STOPPED, "shutdown", events=[]))


def each_round_is_looked_at():
    check = hostile.each_failure_is_survived(1, (r"W room: odd",))
    last = hostile_serial().replace("round=1", "round=2") \
        .replace("[0.1] W room: odd thing=1\n", "")
    survived = hostile_serial().replace("round=1 failed=0",
                                        "round=2 failed=1")
    assert not refuses(check, outcome_of(RETURNED + last))
    assert not refuses(check, outcome_of(RETURNED + survived), outcome_of(
        last.replace("round=2", "round=3")))
    for spoilt in (last, RETURNED + RETURNED + last,
                   RETURNED.replace("round=1", "round=2") + last,
                   RETURNED.replace("kept=0", "kept=3") + last,
                   RETURNED + hostile_serial(), RETURNED + survived,
                   RETURNED + last.replace("late_calls=0", "late_calls=1")):
        assert refuses(check, outcome_of(spoilt)), spoilt[:200]


# A font of three letters, 5x3 pixels, and what is drawn with it: a bar with
# a line in it, and the cursor behind "!".
PSF = b"".join(number.to_bytes(4, "little") for number in
               (0x864ab572, 0, 32, 0, 3, 3, 3, 5)) + bytes.fromhex(
    "000000" "202020" "505000")
DRAWN = """\
bbbbbbbbbbbbbbbbb
bbb*bbb*b*bbbbbbb
bbb*bbb*b*bbbbbbb
bbb*bbbbbbbbbbbbb
bbbbbbbbbbbbbbbbb
.................
...*..*****......
...*..*****......
...*..*****......
.................
"""


def drawn(text):
    """A picture: a colour for each sort of character."""
    lines = text.split()
    return screen_reader.Picture(
        b"P6\n%d %d\n255\n" % (len(lines[0]), len(lines)) + b"".join(
            bytes([ord(pixel)] * 3) for line in lines for pixel in line))


def every_pixel_of_a_screen_counts():
    def read(text):
        seen = screen_reader.Screen(drawn(text), screen_reader.Font(PSF),
                                    left=1)
        return [(line.top, line.text, line.cursor) for line in seen.lines], \
            seen.unread
    assert read(DRAWN) == ([(1, '!"', None), (6, "!", 1)], []), read(DRAWN)
    lines = DRAWN.splitlines()
    for row, line in enumerate(lines):
        for column, pixel in enumerate(line):
            other = line[0] if pixel == "*" else "*"
            spoilt = "\n".join([
                *lines[:row], line[:column] + other + line[column + 1:],
                *lines[row + 1:]])
            assert read(spoilt) != read(DRAWN), spoilt


# --- docs/firmware.md --------------------------------------------------------
ROOT = Path(__file__).resolve().parents[2]
QUIRKS = [letter + str(number) for letter, last in zip(
    "ABCDEFG", (3, 13, 4, 7, 6, 2, 1)) for number in range(1, last + 1)]
# Words between the names.
PROSE = {"in", "every", "hostile", "boot", "and", "of", "each", "machine"}


def known_tests():
    """The name of every test and check, without the machine it runs on."""
    names = set()
    for scenario in cases.scenarios():
        names.add(scenario.name)
        names.add(re.sub("-(q35|pc|exact)-[0-9]+[mg]$", "", scenario.name))
        names |= {check.__name__ for check in scenario.checks}
        names |= {f"{scenario.name}/{check.__name__}"
                  for check in scenario.checks}
    names |= {check.__name__ for check in hostile.GOOD}
    for folder in ("unit/*", "explorer", "loader"):
        for path in ROOT.glob(f"tests/{folder}/*.c"):
            names |= set(re.findall(r"^CASE\((\w+)\)", path.read_text(),
                                    re.M))
    for path in ROOT.glob("tests/lint/*.sh"):
        names |= set(re.findall(r"^(case_\w+)\(\)", path.read_text(), re.M))
    return names


def tests_in(cell):
    """The names in a cell of the table; `-x` stands for the last name with
    another end, what is in parentheses for nothing."""
    last = ""
    for word in re.findall(r"[\w./-]+", re.sub(r"\([^)]*\)", "", cell)):
        if word in PROSE:
            continue
        if word.startswith("-"):
            word = last.rpartition("-")[0] + word
        else:
            last = word
        yield word


def firmware_table_names_tests_that_exist():
    text = (ROOT / "docs/firmware.md").read_text()
    rows = re.findall(r"^\| ([A-G]\d+[a-z]?) \|[^|]+\|[^|]+\|([^|]*)\|$",
                      text, re.M)
    # F2a is a kin of F2 that the list does not have.
    assert [quirk for quirk, _ in rows if quirk[-1].isdigit()] == QUIRKS, rows
    known = known_tests()
    for quirk, cell in rows:
        names = list(tests_in(cell))
        assert names, quirk
        unknown = [name for name in names if name not in known]
        assert not unknown, (quirk, unknown)


def testing_page_names_every_file():
    text = (ROOT / "docs/testing/testing.md").read_text()
    for path in sorted((ROOT / "tests").iterdir()):
        if path.is_dir() and not path.name.startswith("_"):
            assert f"`tests/{path.name}/`" in text, path.name
    for path in sorted((ROOT / "tests/boot").glob("[a-z]*.py")):
        assert f"`{path.name}`" in text, path.name


CASES = (each_lie_is_noticed, ledger_must_not_change,
         oracle_draws_the_picture, oracle_knows_the_limit,
         leaves_agree_with_qemu, writable_code_is_noticed,
         records_are_read_to_the_letter,
         reports_are_held_against_qemus_log,
         lies_behind_lies_are_noticed, each_round_is_looked_at,
         every_pixel_of_a_screen_counts,
         firmware_table_names_tests_that_exist,
         testing_page_names_every_file)


def main():
    """The exit status."""
    bad = 0
    print("KTAP version 1")
    for number, case in enumerate(CASES, 1):
        try:
            case()
            print("ok", number, case.__name__)
        except Exception:  # pylint: disable=broad-except
            bad += 1
            print(re.sub("^", "# ", traceback.format_exc().rstrip(),
                         flags=re.M))
            print("not ok", number, case.__name__)
    print(f"1..{len(CASES)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The checks behind firmware that lies: a boot as good as any other, or
one clear line and an end in good order.

The firmware in between (tests/firmware) says on COM1 what it has seen:
`# hostile: NAME key=value ...`, here a fact."""

import re
import struct
import zlib
from dataclasses import dataclass

from . import boot, checks
from .checks import CheckFailed, expect, expect_equal
from .scenario import Scenario

COMMANDS = "memmap -m; memmap raw -m; ledger -m; bootinfo -m; pt audit -m"
CMDLINE = f'run="{COMMANDS}" on-idle=exit panic=exit'
ERROR_BIT = 1 << 63
ROUNDS_MAX = 100
ASKED_MAX = (32 << 20) // 4096  # pages; each try to get them counts


def facts(serial, name):
    """[{key: number}], one for each line of that name."""
    return [{key: int(value, 0) for key, value in
             re.findall(r"(\w+)=(-?\w+)", line)}
            for line in re.findall(rf"^# hostile: {name}(?= |$)(.*)", serial,
                                   re.M)]


def the_fact(outcome, name):
    """The only one of that name."""
    found = facts(outcome.serial, name)
    expect_equal(f"facts about {name}", len(found), 1)
    return found[0]


def complaints(serial, levels="EW"):
    """Log lines of these levels, each once: what the loader says on the
    firmware's console, the firmware says on COM1 again."""
    return list(dict.fromkeys(
        re.findall(rf"\[ *[0-9.]+\] [{levels}] [^\r\n]*", serial)))


# --- a good boot -------------------------------------------------------------
def checksum_of(entries):
    """Of the @entry records of `memmap raw -m`; the order counts."""
    checksum = 0
    for entry in entries:
        packed = struct.pack("<4Q", *(entry.number(key) for key in (
            "type", "start", "pages", "attributes")))
        checksum = (checksum << 1 | checksum >> 31) & 0xffffffff
        checksum ^= zlib.crc32(packed)
    return checksum


def map_is_what_the_firmware_said(outcome):
    """Entry by entry, in its order, through every stride and garbage."""
    entries = outcome.answer_with("entry").all("entry")
    told = the_fact(outcome, "map")
    expect_equal("entries", len(entries), told["entries"])
    expect_equal("their checksum", checksum_of(entries), told["checksum"])


def leaves_as_agreed(outcome):
    """One exit more than was refused, after a refusal only memory services,
    nothing ever connected, the watchdog off."""
    seen = the_fact(outcome, "exit")
    expect_equal("exits tried", seen["exits"], seen["refused"] + 1)
    expect_equal("calls that a refused exit forbids", seen["late_calls"], 0)
    expect_equal("controllers connected", seen["connects"], 0)
    expect(seen["watchdog_off"], "the watchdog is still armed")


def asks_for_little(outcome):
    """A few MiB, and never of a type that belongs to another program."""
    asked = the_fact(outcome, "pages")
    expect_equal("pages asked for with a strange type", asked["odd_types"], 0)
    expect(asked["asked"] <= ASKED_MAX, f"{asked['asked']} pages asked for")


def asks_at_most(pages):
    """A check for cases that would make a careless loader ask for more."""
    def check(outcome):
        boots()(outcome)
        asked = the_fact(outcome, "pages")["asked"]
        expect(asked <= pages, f"{asked} pages asked for")
    check.__name__ = "asks_at_most"
    return check


def tables_are_clean(outcome):
    audit = outcome.answer_with("audit").one("audit")
    expect_equal("findings of pt audit", audit.number("findings"), 0)


GOOD = (
    checks.ends("ok"),
    checks.every_command_succeeds,
    map_is_what_the_firmware_said,
    leaves_as_agreed,
    asks_for_little,
    tables_are_clean,
    checks.regions_are_what_the_raw_map_says,
    checks.region_totals_are_what_the_raw_map_says,
    checks.every_page_has_one_owner,
    checks.owners_are_what_the_raw_map_says,
    checks.stages_come_in_order,
)


def _complains_only(outcome, warnings, tolerated):
    """Of each of these exactly once, in this order, and of nothing else but
    once, perhaps, of what is tolerated."""
    lines = complaints(outcome.serial)
    strange = [line for line in lines if re.search(tolerated, line)]
    if len(strange) == 1:
        lines.remove(strange[0])
    right = len(lines) == len(warnings) and all(
        re.search(pattern, line) for pattern, line in zip(warnings, lines))
    expect(right, f"expected warnings {warnings}, found: " +
           "; ".join(lines[:5]))


def boots(proof="", warnings=(), leaving_out=(), tolerated="^$"):
    """A check that all of GOOD holds and nothing strange is said. `proof`
    is found in the log when the firmware did what the case is about."""
    def check(outcome):
        for part in GOOD:
            if part not in leaving_out:
                part(outcome)
        _complains_only(outcome, warnings, tolerated)
        expect(re.search(proof, outcome.serial, re.M),
               f"no proof: {proof!r}")
    check.__name__ = "boots"
    return check


# --- a good end --------------------------------------------------------------
def refuses(what):
    """A check that the application went back to the firmware with an error,
    one line that says why, and every page given back."""
    def check(outcome):
        checks.ends("returned")(outcome)
        _check_return(outcome.serial, the_fact(outcome, "returned"))
        expect(re.search(what, complaints(outcome.serial, "E")[0]),
               f"the line is not about {what!r}")
    check.__name__ = "refuses"
    return check


def _check_return(serial, fact):
    expect(fact["status"] & ERROR_BIT, f"status {fact['status']:#x}")
    expect_equal("pages not given back", fact["kept"], 0)
    expect_equal("lines of complaint", len(complaints(serial, "E")), 1)
    expect("crash_log: " not in serial, "it takes a refusal for a crash")


def stops(what):
    """A check that, past the point of return, one line says why and the
    machine is reset on purpose."""
    def check(outcome):
        checks.ends("shutdown")(outcome)
        reasons = [event["data"].get("reason")
                   for event in outcome.notes["events"]
                   if event.get("event") == "SHUTDOWN"]
        expect_equal("why QEMU ended", reasons, ["guest-reset"])
        lines = complaints(outcome.serial, "E")
        expect_equal("lines of complaint", len(lines), 2)
        expect(re.search(what, lines[0]), f"{what!r} is not in {lines[0]!r}")
        expect("action=reset" in lines[1], "it does not say that it stops")
    check.__name__ = "stops"
    return check


# --- a service that fails, call by call --------------------------------------
@dataclass
class EachCall(Scenario):
    """The firmware lets the first call of a service fail, then the second
    ..., starting the application anew each time it comes back. When it does
    not come back it has survived: then the next boot goes on from there."""

    service: str = ""

    def _boot(self, lab, folder):
        outcomes, number = [], 1
        while number < ROUNDS_MAX:
            place = folder / str(number)
            place.mkdir(parents=True)
            words = f"fail={self.service} from={number}"
            outcome = lab.run(boot.Request(
                app=lab.app, cmdline=CMDLINE, hostile=words,
                **self.boots[0]), place)
            outcomes.append(outcome)
            exits = facts(outcome.serial, "exit")
            if not exits or not exits[0]["failed"]:
                break
            number = exits[0]["round"] + 1
        return outcomes


def each_failure_is_survived(least, survivable):
    """A check for EachCall: at least so many calls were made, and each of
    them was refused in good order or, those with a warning in `survivable`,
    got by without."""
    def check(*outcomes):
        number = 1
        for outcome in outcomes:
            *rounds, last = re.split(r"(?<=kept=)(\d+)\r?\n", outcome.serial)
            for serial, kept in zip(rounds[::2], rounds[1::2]):
                fact = the_fact(_Text(serial + kept), "returned")
                expect_equal("round", fact["round"], number)
                _check_return(serial, fact)
                number += 1
            number += _check_survivor(outcome, last, survivable)
        expect(number > least, f"only {number - 1} calls were made")
        expect(not the_fact(outcomes[-1], "exit")["failed"],
               "the last boot had a failure, too")
    check.__name__ = "each_failure_is_survived"
    return check


@dataclass
class _Text:
    serial: str


def _check_survivor(outcome, last_words, survivable):
    """1 when a call failed in the boot that stayed, else 0."""
    for part in GOOD:
        part(outcome)
    failed = the_fact(outcome, "exit")["failed"]
    for line in complaints(last_words):
        expect(failed and any(re.search(pattern, line)
                              for pattern in survivable),
               f"not expected: {line}")
    return failed


# --- devices that go on ------------------------------------------------------
def interrupts_are_masked(outcome):
    """By QEMU's own account, while the kernel runs."""
    masks = re.findall(r"pic\d: irr=\w+ imr=(\w+)", outcome.notes["pic"])
    expect_equal("masks of the two controllers", masks, ["ff", "ff"])
    timer = re.search(r"LVTT\s+0x\w+.*", outcome.notes["lapic"])
    if not timer:
        raise CheckFailed("QEMU says nothing of the local timer")
    # Or it is the prompt's own nap, once, and not the firmware's clock.
    ours = "one-shot" in timer[0] and "(vec 241)" in timer[0]
    expect("masked" in timer[0] or ours,
           f"the local timer runs: {timer[0]}")
    expect(the_fact(outcome, "clock")["ticks"] > 1, "no clock ever ticked")


# --- screens -----------------------------------------------------------------
CANARY = b"\xa5"
PIXEL = 4


def read_framebuffer(guest, notes):
    """notes["framebuffer"]: the framebuffer, and the memory around it."""
    text = guest.wait_for(r"^@end cmd=pt")
    screen = facts(text, "screen")[0]
    place = guest.folder / "framebuffer"
    guest.qmp.execute("pmemsave", val=screen["base"], size=screen["room"],
                      filename=str(place))
    notes["framebuffer"] = place.read_bytes()
    return True


def draws_every_pixel_and_no_other(width, height, pitch):
    """A check: of what was CANARY, the picture is not, and the rest is."""
    def check(outcome):
        pixels = outcome.notes["framebuffer"]
        end = height * pitch * PIXEL
        for top in range(0, end, pitch * PIXEL):
            line = pixels[top:top + pitch * PIXEL]
            inside, beside = line[:width * PIXEL], line[width * PIXEL:]
            expect(CANARY * PIXEL not in inside,
                   f"line {top // pitch // PIXEL} has holes")
            expect(not beside.strip(CANARY), "it draws beside the picture")
        below = pixels[end:]
        expect(below and not below.strip(CANARY), "it draws below the end")
    check.__name__ = "draws_every_pixel_and_no_other"
    return check

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of the screen: what a person in front of it reads.

The serial line says the same in other words, so each screen is compared
with it word by word; only how lines are broken is the screen's own."""

import re
import time

from . import checks, screen_reader
from .scenario import Scenario

STATED = re.compile(r"I screen: ready width=(\d+) height=(\d+) .*"
                    r"columns=(\d+) rows=(\d+) font=(\d+)x(\d+)")
STAMP = re.compile(r"^\[\d+\.\d{6}\] [EWID] ", re.M)
WHAT_TO_DO = "Photograph this page, then reset the machine."
PROMPT = "bulldog>"
TYPED = "memmap raw"  # and not entered
LOOKS = 50
HEADER = re.compile(r"BULLDOG memory kernel +\d+\.\d+  \d+ MiB  \d+ CPUs?")


def _font(notes, width, height):
    name = f"fonts/spleen-{width}x{height}.psf"
    return screen_reader.Font((notes["kernel"].parent / name).read_bytes())


def _look(guest, notes, name, last):
    """notes[name]: the screen, once its last line is `last`: what is on the
    serial line need not be drawn yet. If it never is, as it stays. Of a
    console the cursor is drawn last; a panic's page is whole when the
    processor has stopped, its last line is not the last that is drawn."""
    stated = STATED.search(guest.serial)
    checks.expect(stated, "the kernel has no screen")
    font = _font(notes, *stated.groups()[4:])
    for _ in range(LOOKS):
        stopped = "HLT=1" in guest.qmp.monitor("info registers")
        picture = screen_reader.take(guest, f"{name}.ppm")
        notes[name] = seen = screen_reader.Screen(picture, font)
        line = seen.lines[-1] if seen.lines else screen_reader.Line(0, "", b"")
        if line.text == last and (stopped or line.cursor is not None):
            break
        time.sleep(0.1)
    notes[name + "_serial"] = guest.serial


def _boot_scroll_and(crash):
    """Looks after the boot, when much has scrolled by, and at the end."""
    def steps(guest, notes):
        guest.wait_for(r"monitor: ready")
        guest.wait_for(rf"^{PROMPT} ")
        _look(guest, notes, "booted", PROMPT)
        guest.type("help\rmemmap raw\rledger\r" + TYPED)
        guest.wait_for(rf"^{PROMPT} {TYPED}", 2)
        _look(guest, notes, "scrolled", f"{PROMPT} {TYPED}")
        guest.type(f"\x15crash {crash}\r")
        guest.wait_for(r"E panic: halt")
        _look(guest, notes, "stopped", WHAT_TO_DO)
        return True
    return steps


def _look_before_the_reset(guest, notes):
    """The loader's page: plain letters from the top left corner, over what
    the firmware has left."""
    guest.qmp.execute("set-action", shutdown="pause")
    guest.qmp.wait_event("STOP")
    picture = screen_reader.take(guest, "given_up.ppm")
    notes["given_up"] = screen_reader.Screen(picture, _font(notes, 8, 16),
                                            left=0)
    return True


def _words(lines):
    return [word for line in lines for word in line.text.split()]


def every_pixel_is_read(outcome):
    for name in ("booted", "scrolled", "stopped"):
        seen = outcome.notes[name]
        checks.expect(not seen.unread,
                      f"{name}: rows of pixels that are no text: "
                      f"{seen.unread[:8]} of {len(seen.unread)}; "
                      f"read:\n{seen.text}")


def screen_is_what_qemu_shows(outcome):
    stated = STATED.search(outcome.serial)
    width, height, columns, rows = map(int, stated.groups()[:4])
    booted = outcome.notes["booted"]
    checks.expect_equal("width and height", (width, height),
                        (booted.picture.width, booted.picture.height))
    checks.expect_equal("columns", columns, booted.columns)
    # All but the header, and each line where the grid has one.
    lines = outcome.notes["scrolled"].lines[1:]
    height = int(stated[6])
    checks.expect_equal("lines", len(lines), rows)
    checks.expect_equal("where they are", [line.top for line in lines],
                        [lines[0].top + row * height for row in range(rows)])


def _console_shows_the_end_of_the_log(name, outcome):
    """Gives the screen, to be looked at more closely."""
    seen = outcome.notes[name]
    checks.expect(HEADER.fullmatch(seen.lines[0].text),
                  f"the header: {seen.lines[0].text}")
    checks.expect(seen.lines[0].paper != seen.lines[1].paper,
                  "the header has no colour of its own")
    got = _words(seen.lines[1:])
    # A part of the first line may have scrolled out.
    want = outcome.notes[name + "_serial"].split()
    checks.expect_equal(f"words on the screen:\n{seen.text}\n",
                        got, want[-len(got):])
    return seen


def log_and_prompt_are_on_screen(outcome):
    seen = _console_shows_the_end_of_the_log("booted", outcome)
    texts = [line.text for line in seen.lines]
    for pattern in (r"\[\d+\.\d{6}\] I kernel: ready free_pages=\d+",
                    r"usable +\d+ pages +[\d.]+ MiB"):
        checks.expect(any(re.fullmatch(pattern, text) for text in texts),
                      f"no line is {pattern}:\n{seen.text}")
    checks.expect_equal("the last line", texts[-1], PROMPT)
    checks.expect_equal("the cursor", seen.lines[-1].cursor, len(PROMPT) + 1)


def what_is_typed_is_below_what_scrolled(outcome):
    seen = _console_shows_the_end_of_the_log("scrolled", outcome)
    want = f"{PROMPT} {TYPED}"
    checks.expect_equal("the last line", seen.lines[-1].text, want)
    checks.expect_equal("the cursor", seen.lines[-1].cursor, len(want))


def first_line_is_the_cause_and_last_what_to_do(cause):
    """A check; `cause` is what the kernel says on COM1."""
    def check(outcome):
        seen = outcome.notes["stopped"]
        bar = [line for line in seen.lines
               if line.paper == seen.lines[0].paper]
        said = re.search(cause, outcome.serial)
        checks.expect(said, f"COM1 does not say {cause!r}")
        checks.expect_equal("the first line", "".join(
            line.text for line in bar), said[1])
        checks.expect_equal("the last line", seen.lines[-1].text, WHAT_TO_DO)
        checks.expect(seen.lines[0].top < seen.picture.height // 20,
                      "the cause is not at the top")
    check.__name__ = "first_line_is_the_cause_and_last_what_to_do"
    return check


def report_is_between_them(outcome):
    """Word by word as on COM1, without stamps and levels."""
    seen = outcome.notes["stopped"]
    body = [line for line in seen.lines[:-1]
            if line.paper != seen.lines[0].paper]
    report = re.split(r"^\[.*\] I crash: raise .*\n\n", outcome.serial,
                      flags=re.M)[-1]
    want = STAMP.sub("", report).split("\n", 1)[1].split()
    checks.expect(len(body) > 5, f"a page of {len(body)} lines")
    checks.expect_equal("the report", _words(body), want)


def loaders_last_words_are_at_the_top(outcome):
    lines = outcome.notes["given_up"].lines
    said = re.findall(r"^\[.*\] E exit: .*", outcome.serial, re.M)
    checks.expect(lines, "nothing can be read")
    checks.expect_equal("the first line", (lines[0].top, [lines[0].text]),
                        (0, said))


def _scenario(name, crash, cause, **request):
    return Scenario(
        f"screen-{name}", ({"cmdline": "on-idle=monitor", **request},),
        (checks.ends("stopped"), every_pixel_is_read,
         screen_is_what_qemu_shows, log_and_prompt_are_on_screen,
         what_is_typed_is_below_what_scrolled,
         first_line_is_the_cause_and_last_what_to_do(cause),
         report_is_between_them),
        steps=_boot_scroll_and(crash))


def scenarios():
    """Every scenario of the screen."""
    return [
        _scenario("vga", "assert", r"E (kernel: assertion failed .*)",
                  machine="q35-512m-vga"),
        _scenario("ramfb", "pf", r'E trap: stopped cause="([^"]*)"',
                  machine="q35-no-smep", cold=True, limit=120),
        Scenario(
            "screen-loader",
            ({"machine": "q35-512m-vga", "hostile": "refuse=1000"},),
            (checks.ends("stopped"), loaders_last_words_are_at_the_top),
            steps=_look_before_the_reset),
    ]

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of what the monitor answers to words that it does not know:
the word, the reason, and the usage or the command that was meant."""

import re

from . import checks, oracle
from .scenario import Scenario

# command: (name of the check, pattern of its one line)
REFUSED = {
    "screen foo": ("screen", r'E screen: refused word="foo" why="unknown" '
                   r'usage="screen \[bench\]"'),
    "memmap foo": ("memmap", r'E memmap: refused word="foo" why="unknown" '
                   r'usage="memmap \[raw\]"'),
    "pt find zz": ("pt_find", r'E pt: refused word="zz" why="no hexadecimal '
                   r'number" usage="pt dump \| audit \| find ADDRESS"'),
    "pt foo": ("pt", r'E pt: refused word="foo" why="unknown" usage="pt '),
    "pt find": ("pt_missing", r'E pt: refused word="" why="a word is missing" '
                r'usage="pt '),
    "pt dump all": ("pt_more", r'E pt: refused word="all" why="unknown" '),
    "bench foo": ("bench", r'E bench: refused word="foo" why="unknown" '
                  r'usage="bench frames"'),
    "bench": ("bench_missing", r'E bench: refused word="" why="a word is '
              r'missing" usage="bench frames"'),
    "selftest foo": ("selftest", r'E selftest: refused word="foo" '
                     r'why="unknown" usage="selftest \[frames \| ledger \| '),
    "cpus foo": ("cpus", r'E cpus: refused word="foo" why="too many words" '
                 r'usage="cpus"'),
    "crash pf abc": ("crash_word", r'E crash: refused word="abc" why="no '
                     r'online CPU" usage="crash KIND \[CPU\] \| stack NAME"'),
    "crash pf 9": ("crash_cpu", r'E crash: refused word="9" '),
    "crash foo": ("crash_kind", r'^crash KIND, KIND one of de db (?s:.*)'
                  r'E crash: refused word="foo" why="unknown" usage="crash '),
    "crash": ("crash_missing", r'E crash: refused word="" why="a word is '
              r'missing" usage="crash '),
    "crash stack foo": ("crash_stack", r'E crash: refused word="foo" '
                        r'why="unknown" .*NAME"\r?\n.*name=crash '
                        r'why="bad argument"'),
    "bad x": ("bad", r'E bad: refused word="x" why="no hexadecimal number" '
              r'usage="bad \[PHYS \[PAGES\]\]"'),
    "bad 8000000 0": ("bad_pages", r'E bad: refused word="0" why="pages from '
                      r'1 to 262144 are wanted" '),
    "bad 8000000 262145": ("bad_many", r'E bad: refused word="262145" '),
    "stress foo": ("stress_word", r'E stress: refused word="foo" '
                   r'why="unknown" '),
    "stress frames": ("stress_missing", r'E stress: refused word="" '
                      r'why="a word is missing" '),
    "whois": ("whois_missing", r'E whois: refused word="" why="a word is '
              r'missing" usage="whois PHYS"'),
    "whois zz": ("whois", r'E whois: refused word="zz" why="no hexadecimal '
                 r'number" usage="whois PHYS"'),
    "stress frames 0": ("stress", r'E stress: refused word="0" why="seconds '
                        r'from 1 to 3600 are wanted" '
                        r'usage="stress frames SECONDS"'),
    "crash pf 4294967296": ("crash_large", r'word="4294967296" '),
}
MEANT = {
    "quit": ("quit", r'name="quit" did_you_mean=poweroff'),
    "exit": ("exit", r'name="exit" did_you_mean=poweroff'),
    "?": ("question", r'name="\?" did_you_mean=help'),
    "frobnicate": ("nothing", r'name="frobnicate" try=help'),
}
PLAIN = {
    "frames": ("heading", r"^node +cpu +context "),
    "help selftest": ("long_usage", r"interrupt\]\n {38} tests of the "),
    "help crash": ("crash_stack", r"^crash +KIND \[CPU\] \| stack NAME  "),
    "memmap raw": ("raw_heading", r"^# type, start, .*\r?\n\d+ [0-9a-f]+ "
                   r"[0-9a-f]+ [0-9a-f]+\r?$"),
    "whois 0": ("first_page", r"^  owner +\w+\r?\n  node +0\r?$"),
    "whois fec00000": ("no_memory", r"^  owner +none\r?\n  node +none\r?$"),
    "bootinfo": ("tries", r"ExitBootServices \d+ us, at try 1$"),
    "stress frames 1": ("cpus", r"^CPUs 1, seconds 1, operations \d+, "),
    "bad 8000000": ("page", r"^1 of 1 page taken out of use$"),
    "bad": ("pages", r"^1 page out of use$"),
}


def columns_end_below_their_headings(outcome):
    """Both tables of `frames`: a number ends where its heading does, and a
    word begins where its heading does."""
    for name in ("node  first", "node  cpu"):
        table = re.search(rf"^{name}.*\n(?:[ 0-9].*\n)+", outcome.serial,
                          re.M)
        checks.expect(table, f"no table {name}")
        heading, *rows = table[0].splitlines()
        heads = list(re.finditer(r"\d \wiB|\w+", heading))
        for row in rows:
            cells = list(re.finditer(r"\S+", row))
            checks.expect_equal(f"cells of {row}", len(cells), len(heads))
            checks.expect(all(
                cell.end() == head.end() or cell.start() == head.start()
                for cell, head in zip(cells, heads)), f"{heading}\n{row}")


def meminfo_adds_up(outcome):
    """Usable pages are free, in a cache, or the kernel's, whatever was ACPI's
    before."""
    info = outcome.answer_with("meminfo").one("meminfo")
    owners = checks.pages_of_owners(outcome.answer_with("ledger"))
    usable = info.number("usable_pages")
    checks.expect_equal("the parts", sum(info.number(f"{part}_pages") for part
                                         in ("free", "cached", "kernel")),
                        usable)
    checks.expect_equal("named by the ledger", sum(
        pages for owner, pages in owners.items()
        if owner in ("free", "low", "boot_reclaimable") + oracle.CARVED),
        usable)
    checks.expect_equal("all that the ledger names", sum(owners.values()),
                        usable + info.number("reserved_pages"))


def _says(table):
    return tuple(checks.says(what, "(?m)" + pattern)
                 for what, pattern in table.values())


def scenarios():
    """Every scenario of the monitor's answers."""
    yield Scenario(
        "monitor-refuses",
        ({"machine": "q35-512m", "cmdline":
          f'run="{"; ".join([*REFUSED, *MEANT])}" on-idle=exit panic=exit'},),
        (checks.ends("command failed"), *_says(REFUSED), *_says(MEANT),
         checks.never_says("crash: raise")))
    yield Scenario(
        "monitor-counts",
        ({"machine": "q35-512m", "cmdline":
          f'run="{"; ".join(PLAIN)}" on-idle=exit panic=exit'},),
        (checks.ends("ok"), *_says(PLAIN), columns_end_below_their_headings))
    yield Scenario(
        "monitor-adds-up",
        ({"machine": "q35-2cpu", "cmdline": 'run="stress frames 1; '
          'meminfo -m; ledger -m" on-idle=exit panic=exit'},),
        (checks.ends("ok"), meminfo_adds_up))

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of what the monitor answers to words that it does not know:
the word, the reason, and the usage or the command that was meant."""

from . import checks
from .scenario import Scenario

# command: (name of the check, pattern of its one line)
REFUSED = {
    "screen foo": ("screen", r'E screen: refused word="foo" why="unknown" '
                   r'usage="screen \[bench\]"'),
    "memmap foo": ("memmap", r'E memmap: refused word="foo" why="unknown" '
                   r'usage="memmap \[raw\]"'),
    "pt find zz": ("pt_find", r'E pt: refused word="zz" why="no hexadecimal '
                   r'number" usage="pt dump \| audit \| find ADDRESS"'),
    "pt foo": ("pt", r'E pt: refused word="foo" why="unknown, or'),
    "bench foo": ("bench", r'E bench: refused word="foo" .* '
                  r'usage="bench frames"'),
    "selftest foo": ("selftest", r'E selftest: refused word="foo" why="no '
                     r'such test" usage="selftest \[frames \| ledger \| '),
    "cpus foo": ("cpus", r'E cpus: refused word="foo" why="too many words" '
                 r'usage="cpus"'),
    "crash pf abc": ("crash_word", r'E crash: refused word="abc" why="no '
                     r'online CPU" usage="crash KIND \[CPU\] \| stack NAME"'),
    "crash pf 9": ("crash_cpu", r'E crash: refused word="9" '),
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
    "help selftest": ("long_usage", r"interrupt\]\n {38} tests of the "),
    "help crash": ("crash_stack", r"^crash +KIND \[CPU\] \| stack NAME  "),
    "bootinfo": ("tries", r"ExitBootServices \d+ us, at try 1$"),
    "stress frames 1": ("cpus", r"^CPUs 1, seconds 1, operations \d+, "),
    "bad 8000000": ("page", r"^1 of 1 page taken out of use$"),
    "bad": ("pages", r"^1 page out of use$"),
}


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
        (checks.ends("ok"), *_says(PLAIN)))

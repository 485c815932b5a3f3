# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of what an attempt leaves behind: one machine, reset in the
middle, so that its memory is as the first attempt left it."""

from . import checks
from .scenario import Scenario

NOT_ENDED = r"W crash_log: last attempt did not end attempt=1 stage="


def _reset_instead_of_exit(guest):
    """A warm reset ends most tests; here it is what is tested."""
    guest.qmp.execute("set-action", reboot="reset")


def _die_and_come_back(guest, _notes):
    """The options are the same at each attempt: the second dies too."""
    _reset_instead_of_exit(guest)
    guest.wait_for(r"crash_log: last fault what=|crash_log: none")
    guest.wait_for(r"W crash_log: not kept in a file|I crash_log: kept file")
    return True


def _leave_and_come_back(guest, _notes):
    """An attempt that ended on purpose has nothing to tell."""
    _reset_instead_of_exit(guest)
    guest.wait_for(r"monitor: ready")
    guest.wait_for(r"^bulldog> ")
    guest.type("reboot\r")
    guest.wait_for(r"I power: reboot")
    guest.wait_for(r"I loader: hello(?s:.*)I loader: hello")
    guest.wait_for(r"monitor: ready(?s:.*)monitor: ready")
    return True


def scenarios():
    """Every scenario of the crash log."""
    return [
        Scenario(
            "crash-log-of-a-fault",
            ({"machine": "q35-512m", "cold": True, "limit": 120,
              "cmdline": "run=\"crash pf\" panic=1"},),
            (checks.says("where_it_stopped", NOT_ENDED + '"command crash pf"'),
             checks.says("what_the_fault_was",
                         r'(?m)W crash_log: last fault what="(#PF )?the kernel '
                         r'wrote to 0x[^"]*"\r?$')),
            steps=_die_and_come_back),
        Scenario(
            "no-crash-log-of-a-reboot",
            ({"machine": "q35-512m", "cold": True, "limit": 120,
              "cmdline": "on-idle=monitor"},),
            (checks.never_says(r"crash_log: last"),),
            steps=_leave_and_come_back),
    ]

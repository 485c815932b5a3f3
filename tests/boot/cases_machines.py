# SPDX-License-Identifier: MIT OR Apache-2.0
"""Cold boots: the firmware starts BOOTX64.EFI from a disk, on machines that
between them have every value that we promise to boot on. And what can only
be seen from outside of a machine: whether its devices are still."""

import re

from . import checks, hostile
from .scenario import Scenario

COMMANDS = "cpuinfo -m; " + hostile.COMMANDS
LIMIT_SECONDS = 120
BUS_MASTER = 4

# The firmware draws on COM1 before us, and looks for a TPM: what it did
# itself is not asked of it here.
GOOD = (
    checks.ends("ok"),
    checks.every_command_succeeds,
    checks.nothing_is_complained_about,
    hostile.tables_are_clean,
    checks.regions_are_what_the_raw_map_says,
    checks.region_totals_are_what_the_raw_map_says,
    checks.every_page_has_one_owner,
    checks.owners_are_what_the_raw_map_says,
    checks.acpi_pages_are_free,
    checks.stages_come_in_order,
)


def largest_page_is(size):
    """A check of what the processor says, and of what that led to."""
    def check(outcome):
        sizes = outcome.answer_with("cpu").one("cpu")["page_sizes"]
        checks.expect_equal("largest page", int(sizes.split("+")[-1]), size)
    check.__name__ = f"largest_page_is_{size >> 20}_mib"
    return check


def features(**wanted):
    """A check: each named feature is there and used (1), or not there (0)."""
    def check(outcome):
        answer = outcome.answer_with("cpu_feature")
        for name, there in wanted.items():
            answer.one("cpu_feature", name=name, present=str(there),
                       enabled=str(there))
    check.__name__ = "uses_" + "_".join(
        name if there else f"no_{name}" for name, there in wanted.items())
    return check


def nothing_was_said(outcome):
    """There is no port to say it on: the exit status is all there is."""
    checks.expect_equal("bytes on COM1", outcome.serial, "")


def _configuration_space(guest):
    """Where the firmware has put q35's."""
    return int(re.search(r"([0-9a-f]{16})-[0-9a-f]{16} .*: pcie-mmcfg-mmio",
                         guest.qmp.monitor("info mtree"))[1], 16)


def _ask_for_commands(guest, notes):
    """notes["commands"]: {what kind of function: its command register}"""
    guest.wait_for(r"^@end cmd=pt")
    space = _configuration_space(guest)
    found = re.findall(r"Bus +(\d+), device +(\d+), function (\d+):\s+"
                       r"([^:\n]+):", guest.qmp.monitor("info pci"))
    notes["commands"] = commands = {}
    for bus, device, function, kind in found:
        place = space + (int(bus) << 20 | int(device) << 15 |
                         int(function) << 12) + 4
        answer = guest.qmp.monitor(f"xp /1hx {place:#x}")
        commands[kind] = int(answer.split(":")[1], 16)
    return True


def only_bridges_and_displays_are_masters(outcome):
    """The disk that we came from, and everything else, is stopped."""
    masters = {kind for kind, command in outcome.notes["commands"].items()
               if command & BUS_MASTER}
    checks.expect_equal("bus masters", masters, {
        "Host bridge", "ISA bridge", "VGA controller"})
    checks.expect("SCSI controller" in outcome.notes["commands"],
                  "the disk is not where it should be")


def _machine(name, *more, checked=GOOD):
    return Scenario(
        f"cold-{name}",
        ({"machine": name, "cold": True, "limit": LIMIT_SECONDS,
          "cmdline": f'run="{COMMANDS}" on-idle=exit panic=exit'},),
        (*checked, *more))


def scenarios():
    """Every machine that only this file boots."""
    return [
        _machine("q35-no-1g", largest_page_is(2 << 20),
                 features(nx=1, smep=1, smap=1)),
        _machine("q35-no-nx", features(nx=0, smep=1)),
        _machine("pc-no-nx", features(nx=0, smep=0, smap=0)),
        _machine("q35-no-smep", features(nx=1, smep=0, smap=0)),
        _machine("q35-600g", largest_page_is(1 << 30)),
        _machine("q35-no-serial", nothing_was_said,
                 checked=(checks.ends("ok"),)),
        Scenario(
            "left-over-dma",
            ({"machine": "q35-512m-vga",
              "cmdline": 'run="pt audit -m" on-idle=monitor'},),
            (checks.ends("stopped"),
             checks.says("how_many", "I pci: bus masters stopped=[1-9]"),
             only_bridges_and_displays_are_masters),
            steps=_ask_for_commands),
    ]

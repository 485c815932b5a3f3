# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests, as a table: which machine, which options, what must hold.

One boot carries as many commands as it can, because waking a machine costs
more than a command."""

import re
import subprocess

from . import (cases_acpi, cases_bad, cases_crash_log, cases_frames,
               cases_hostile, cases_input, cases_machines, cases_monitor,
               cases_screen, cases_smp, cases_sparse, checks, machine)
from .scenario import Scenario

TESTED = [name for name, shape in machine.MACHINES.items()
          if not name.startswith("exact-") and not shape.only_cold]
# Stamping every frame takes the host as much memory as the guest has, and
# twice that of a woken guest; 3 GiB are stamped on a cold one.
SMALL = [name for name in TESTED
         if not any(size in name for size in ("3g", "4g", "9g"))]

FRAMES = "; selftest frames -m; ledger -m"
RECORDS = ("memmap -m; memmap raw -m; ledger -m; layout -m; bootinfo -m; "
           "cpuinfo -m; pt audit -m")
FRAMES_GOOD = (
    checks.selftest_frames_counts_what_is_free,
    checks.selftests_pass,
    checks.ledger_stays_the_same,
)
HEALTHY = (
    checks.ends("ok"),
    checks.every_command_succeeds,
    checks.nothing_is_complained_about,
    checks.serial_has_no_control_bytes,
    checks.qemu_has_no_guest_errors,
    checks.regions_are_what_the_raw_map_says,
    checks.region_totals_are_what_the_raw_map_says,
    checks.every_page_has_one_owner,
    checks.owners_are_what_the_raw_map_says,
    checks.stages_come_in_order,
)

# `crash KIND`: its vector, and what the report must say about it.
CRASHES = {
    "de": (0, "#DE"), "db": (1, "#DB"), "nmi": (2, "NMI"), "bp": (3, "#BP"),
    "of": (4, "#OF"), "ud": (6, "#UD"), "nm": (7, "#NM"), "df": (8, "#DF"),
    "np": (11, "#NP"), "ss": (12, "#SS"), "gp": (13, "#GP"),
    "pf": (14, "#PF"), "mc": (18, "#MC"),
    "null-call": (14, "#PF.*null page"),
    "text-write": (14, "#PF.*text.*read-only"),
    "rodata-write": (14, "#PF.*rodata.*read-only"),
    "nx": (14, "#PF.*data.*not executable"),
    "direct-text-write": (14, "#PF.*direct map.*kernel_image.*read-only"),
    "guard": (14, "#PF.*guard page of stack main"),
}
PANICS = {"assert": "assertion failed", "panic": "asked for"}
STACKS = {"main": "main", "df": "double_fault", "nmi": "nmi",
          "mc": "machine_check", "db": "debug"}


def _run(commands, *options):
    return " ".join([f'run="{commands}"', "on-idle=exit", *options])


def _records_scenarios():
    for name in TESTED:
        commands, more = RECORDS, ()
        if name in SMALL:
            commands += FRAMES
            more = FRAMES_GOOD
        if name == "q35-64m":
            more += (checks.kernel_owns_at_most_8_mib,)
        yield Scenario(
            name, ({"machine": name, "cmdline": _run(commands)},),
            HEALTHY + (checks.serial_has_only_log_lines_records_and_results,)
            + more)


# --- page tables -------------------------------------------------------------
def _ask_qemu_for_tables(guest, notes):
    guest.wait_for(r"^@end cmd=\"?pt")
    guest.qmp.execute("stop")
    notes["tlb"] = guest.qmp.monitor("info tlb")
    notes["mem"] = guest.qmp.monitor("info mem")
    return True


def _table_scenarios():
    for name in TESTED:
        yield Scenario(
            f"tables-{name}",
            ({"machine": name,
              "cmdline": 'run="pt dump -m" on-idle=monitor'},),
            (checks.ends("stopped"),
             checks.page_tables_are_what_qemu_sees,
             checks.nothing_is_writable_and_executable),
            steps=_ask_qemu_for_tables)


# --- faults ------------------------------------------------------------------
def _crash(command):
    return ({"machine": "q35-512m", "trace": True,
             "cmdline": _run(command, "panic=exit")},)


def _crash_scenarios():
    common = (checks.ends("panic"), checks.serial_has_no_control_bytes,
              checks.backtrace_has_the_linkers_names)
    for kind, (vector, words) in CRASHES.items():
        yield Scenario(
            f"crash-{kind}", _crash(f"crash {kind}"),
            common + (checks.says("its_cause", f'cause="{words}'),
                      checks.backtrace_reaches_kernel_main,
                      checks.reports_what_qemu_saw(vector)))
    for kind, words in PANICS.items():
        yield Scenario(f"crash-{kind}", _crash(f"crash {kind}"),
                       common + (checks.says("its_cause", words),
                                 checks.backtrace_reaches_kernel_main))
    for stack, name in STACKS.items():
        yield Scenario(
            f"crash-stack-{stack}", _crash(f"crash stack {stack}"),
            common + (checks.says("which_stack", "stack overflow into guard "
                                  f"page of stack {name} of cpu 0"),
                      checks.reports_what_qemu_saw(8)))


def _when_idle(guest):
    guest.wait_for(r"^@end cmd=bootinfo")


def _inject_nmi(guest, _notes):
    _when_idle(guest)
    guest.qmp.execute("inject-nmi")


def _inject_machine_check(guest, _notes):
    """Uncorrected, address valid, from machine check bank 2."""
    _when_idle(guest)
    guest.qmp.monitor("mce 0 2 0xbd00000000000134 0x4 0x1234000 0x8c")


def _injection_scenarios():
    for name, steps, more in (
            ("nmi", _inject_nmi, (checks.says("its_cause", 'cause="NMI'),)),
            ("machine-check", _inject_machine_check,
             (checks.says("its_cause", 'cause="#MC'),
              checks.says("bank_and_address", "bank=2.*0x1234000")))):
        yield Scenario(
            f"from-outside-{name}",
            ({"machine": "q35-512m", "cmdline":
              'run="bootinfo -m" on-idle=monitor panic=exit'},),
            (checks.ends("panic"), *more), steps=steps)


# --- bad input ---------------------------------------------------------------
def _spoil(offset):
    """Makes an application whose embedded kernel has one wrong byte."""
    def app(lab, folder):
        image = bytearray(lab.app.read_bytes())
        starts = [found.start() for found in
                  re.finditer(rb"\x7fELF\x02\x01\x01", bytes(image))]
        checks.expect_equal("kernels in BOOTX64.EFI", len(starts), 1)
        image[starts[0] + offset] ^= 0xff
        spoilt = folder / "spoilt.efi"
        spoilt.write_bytes(image)
        return spoilt
    return app


def _bad_input_scenarios():
    spoilt = {"magic": 0, "class": 4, "machine": 18, "entry": 30,
              "program-headers": 36}
    for what, offset in spoilt.items():
        yield Scenario(
            f"spoilt-kernel-{what}",
            ({"machine": "q35-512m", "app": _spoil(offset),
              "cmdline": _run("bootinfo -m")},),
            (checks.ends("returned"), checks.refusal_is_one_line,
             checks.says("what", "kernel refused")))
    yield Scenario(
        "unknown-option",
        ({"machine": "q35-512m", "cmdline":
          _run("bootinfo -m", "colour=blue")},),
        (checks.ends("ok"), checks.mentions_once("colour")))
    yield Scenario(
        "mem-too-small",
        ({"machine": "q35-512m", "cmdline": _run("bootinfo -m", "mem=1")},),
        (checks.ends("ok"), checks.mentions_once("mem=1"),
         checks.says("the_minimum", "mem=1.*64 MiB")))
    yield Scenario(
        "mem-caps-what-is-usable",
        ({"machine": "q35-512m", "cmdline": _run(RECORDS, "mem=128M")},),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.usable_memory_ends_at(128 << 20)))
    for name, command in (("unknown", "frobnicate"),
                          ("failing", "selftest frobnicate")):
        yield Scenario(
            f"{name}-command",
            ({"machine": "q35-512m", "cmdline": _run(command)},),
            (checks.ends("command failed"), checks.says("which", "frobnicate")))


# --- people ------------------------------------------------------------------
def _type_commands(guest, _notes):
    guest.wait_for(r"^@end cmd=bootinfo")
    guest.type("memmal\b\b\bmap -m\r")
    guest.wait_for(r"^@end cmd=memmap status=0")
    guest.type("ledger -m\n")
    guest.wait_for(r"^@end cmd=ledger status=0")
    guest.type("poweroff\r")


def _people_scenarios():
    yield Scenario(
        "typed-commands",
        ({"machine": "q35-512m", "trace": True,
          "cmdline": 'run="bootinfo -m" on-idle=monitor'},),
        (checks.ends("shutdown"), checks.was_powered_off),
        steps=_type_commands)
    yield Scenario(
        "plain-commands",
        ({"machine": "q35-512m", "cmdline": _run(
            "help; help pt; memmap; memmap raw; ledger; meminfo; pt dump; "
            "pt audit; pt find ffffffff80000000; layout; bootinfo; cpuinfo; "
            "log; selftest")},),
        (checks.ends("ok"), checks.serial_has_no_control_bytes))
    for command, check in (("poweroff", checks.was_powered_off),
                           ("reboot", checks.was_reset)):
        yield Scenario(
            command, ({"machine": "q35-512m", "trace": True,
                       "cmdline": f'run="{command}"'},),
            (checks.ends("shutdown"), check))


# --- whole boots -------------------------------------------------------------
# What the firmware does as well, before us: draw on COM1, look for a TPM.
FIRMWARE_TOO = (checks.serial_has_no_control_bytes,
                checks.qemu_has_no_guest_errors)


def _cold_scenarios():
    healthy = tuple(check for check in HEALTHY if check not in FIRMWARE_TOO)
    for name, commands, more in (("pc-64m", "", ()), ("q35-9g", "", ()),
                                 ("q35-3g", FRAMES, FRAMES_GOOD)):
        yield Scenario(
            f"cold-{name}", ({"machine": name, "cold": True, "limit": 120,
                              "cmdline": _run(RECORDS + commands)},),
            healthy + more)
    twice = {"machine": "q35-512m", "cmdline": _run(RECORDS + "; pt dump -m")}
    yield Scenario("cold-twice", ({**twice, "cold": True},) * 2,
                   (checks.both_are_alike,))
    yield Scenario(
        "exact-twice", ({"machine": "exact-512m", "exact": True,
                         "cmdline": _run("bootinfo -m")},) * 2,
        (checks.took_the_same_time,))
    yield Scenario("woken-twice", (twice,) * 2, (checks.both_are_alike,))


# --- files on the disk, and Secure Boot --------------------------------------
CONFIG = """# these three are for the file, the last one is overridden
run="bootinfo -m; ledger -m"
panic=exit  # a comment
on-idle=poweroff
"""


def _kernel_file(lab, _folder):
    return (f"EFI/BULLDOG/KERNEL.ELF={lab.build / 'kernel.elf'}",)


def _signed(lab, folder):
    machine.script("sign", lab.app, folder / "signed.efi")
    return folder / "signed.efi"


def _lacks_test_keys():
    try:
        machine.script("find-ovmf", "snakeoil-vars")
        machine.script("find-ovmf", "secure-code")
    except subprocess.CalledProcessError:
        return "only Debian's ovmf has firmware that trusts a test key"
    return None


def _wait_for_denial(guest, _notes):
    guest.wait_for("Access Denied")
    return True


def _disk_scenarios():
    yield Scenario(
        "cold-disk-files",
        ({"machine": "q35-512m", "cold": True, "files": _kernel_file,
          "config": CONFIG, "cmdline": "on-idle=exit"},),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.boot_record_says(secure_boot="0", override="1")))
    yield Scenario(
        "cold-secure-boot",
        ({"machine": "q35-secure", "cold": True, "app": _signed,
          "files": _kernel_file, "cmdline": "on-idle=poweroff",
          "config": _run("bootinfo -m; ledger -m")},),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.boot_record_says(secure_boot="1", override="0"),
         checks.says("kernel_file_ignored", "W image: KERNEL.ELF ignored"),
         checks.says("fw_cfg_ignored", "W options: fw_cfg ignored")),
        lacks=_lacks_test_keys)
    yield Scenario(
        "cold-secure-boot-unsigned",
        ({"machine": "q35-secure", "cold": True},),
        (checks.ends("stopped"), checks.never_says("loader: hello")),
        steps=_wait_for_denial, lacks=_lacks_test_keys)


def scenarios():
    """Every scenario there is."""
    return [*_records_scenarios(), *_table_scenarios(), *_crash_scenarios(),
            *_injection_scenarios(), *_bad_input_scenarios(),
            *_people_scenarios(), *cases_monitor.scenarios(),
            *cases_input.scenarios(),
            *cases_smp.scenarios(), *cases_frames.scenarios(),
            *cases_sparse.scenarios(),
            *cases_screen.scenarios(),
            *cases_crash_log.scenarios(), *cases_bad.scenarios(),
            *_cold_scenarios(), *_disk_scenarios(),
            *cases_machines.scenarios(), *cases_hostile.scenarios(),
            *cases_acpi.scenarios()]

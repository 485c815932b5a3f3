# SPDX-License-Identifier: MIT OR Apache-2.0
"""Boots behind firmware that lies, as a table: the words that make it lie
(docs/firmware.md explains them), and how the boot must end."""

from dataclasses import dataclass

from . import checks, hostile
from .hostile import asks_at_most, boots, refuses, stops
from .scenario import Scenario

SMALL, LARGE = "q35-512m", "q35-9g"
BOTH = (SMALL, LARGE)

# Every way to tell the truth about memory badly, at once.
ALL_MAP_LIES = ("nested overlap zero wrap unaligned kinds withheld far "
                "acpi_far runtime0 attributes duplicate split=500")
PROTECTED = "nx sections protocol strict null_page"
NO_LARGE_RUN = r"W image: no 2 MiB run free"


@dataclass
class Case:
    """The words for the firmware, and a check of the outcome."""

    name: str
    words: str
    ends: object = None
    machines: tuple = BOTH

    def scenarios(self):
        """One for each machine."""
        for machine in self.machines:
            yield Scenario(
                f"hostile-{self.name}-{machine}",
                ({"machine": machine, "cmdline": hostile.CMDLINE,
                  "hostile": self.words},), (self.ends or boots(),))


MAPS = (
    Case("reversed", "reverse"),
    Case("shuffled", "shuffle=7"),
    Case("split", "split=250"),
    Case("overlapping-split", "overlap split=650"),
    Case("600-entries", "split=600", boots(r"map .* entries=600 ")),
    Case("2000-entries", "split=2000 shuffle=3",
         boots(r"map .* entries=2000 ")),
    Case("nested", "nested", boots("map .* plots=6 ")),
    Case("nested-shuffled-split", "nested shuffle=11 split=300"),
    Case("duplicated", "duplicate"),
    Case("overlapping", "overlap"),
    Case("overlapping-nested-reversed", "overlap nested reverse"),
    Case("zero-length", "zero"),
    Case("wrapping", "wrap"),
    Case("unaligned", "unaligned", boots("map .* plots=2 ")),
    Case("unknown-kinds", "kinds", boots("map .* plots=8 ")),
    Case("withheld", "withheld", boots("map .* plots=6 ")),
    Case("reserved-far-away", "far"),
    Case("acpi-out-of-reach", "acpi_far"),
    # Without 1 GiB pages each of its GiB would want a table.
    Case("acpi-endless", "acpi_endless",
         boots(r"I exit: jump .* tables=\d\d "), (*BOTH, "pc-512m")),
    Case("acpi-without-memory", "acpi_absent",
         boots(warnings=("W memory: left out runs=3 pages=48 ",))),
    Case("acpi-in-page-0", "acpi_low"),
    Case("acpi-in-crumbs", "acpi_crumbs=250", asks_at_most(3000)),
    Case("runtime-data-at-0", "runtime0"),
    Case("no-low-memory", "no_low"),
    Case("no-low-memory-for-two", "no_low",
         boots(warnings=("W smp: only one CPU why=",)), ("q35-2cpu",)),
    Case("odd-attributes", "attributes"),
    Case("stride-changes", "restride=64", boots("map answers=[5-9]")),
    Case("stride-shrinks", "stride=64 restride=40",
         boots("map answers=[5-9]")),
    Case("size-understated", "modest=100"),
    Case("pages-claimed-back", "claims=1",
         refuses("exit: the map claims our pages back")),
    Case("pages-claimed-at-the-exit", "claims=3",
         stops("exit: the map claims our pages back")),
    *(Case(f"stride-{size}", f"stride={size}") for size in
      (40, 52, 56, 64, 4096)),
    Case("all-map-lies", f"{ALL_MAP_LIES} stride=56 shuffle=5"),
)

EXITS = (
    *(Case(f"exit-refused-{times}", f"refuse={times}",
           boots(f"exit .* refused={times} ")) for times in range(1, 6)),
    Case("exit-refused-for-ever", "refuse=1000",
         stops("exit: firmware keeps the machine")),
    Case("exit-refused-then-no-map", "refuse=1 fail=GetMemoryMap from=4",
         stops("exit: the firmware gives no map")),
    Case("exit-refused-all-map-lies",
         f"{ALL_MAP_LIES} stride=64 reverse refuse=3 grow=9 "
         "until=6"),
    Case("map-grows", "grow=20"),
    Case("map-outgrows-its-buffer", "grow=100 until=4"),
    Case("map-grows-and-exit-refused", "grow=70 until=6 refuse=2"),
    Case("map-grows-for-ever", "grow=100",
         refuses("exit: the map never stops growing")),
    Case("no-map-at-all", "fail=GetMemoryMap for_good",
         refuses("exit: the firmware gives no map")),
    Case("map-gets-holes", "holes=20 until=4"),
    Case("watchdog-armed", "watchdog=300", boots("watchdog_off=1")),
    Case("watchdog-cannot-be-stopped", "fail=SetWatchdogTimer",
         boots("exit round=1 failed=1",
               leaving_out=(hostile.leaves_as_agreed,))),
)

PAGES = (
    Case("page-0-handed-out", "page0", boots("pages odd=1 ")),
    Case("lowest-pages-first", "low=0x10000", boots("pages odd=[1-9]")),
    Case("low-megabyte-first", "low=0xa0000",
         boots("pages odd=[1-9][0-9]")),
    Case("allocates-bottom-up", "bottom_up", boots("pages odd=[1-9][0-9]{2}")),
    Case("no-2m-run", "largest=1024", boots(warnings=(NO_LARGE_RUN,))),
    Case("hardly-any-run", "largest=100",
         refuses("no (memory|room) for ")),
    Case("pages-beyond-the-limit", "beyond",
         refuses("no memory for the handover"), (LARGE,)),
    Case("pages-above-4g", "above", boots("pages odd=[1-9]"), (LARGE,)),
    Case("image-above-4g", "image=high",
         boots("image start=0x00000001[0-9a-f]{8}"), (LARGE,)),
    Case("image-above-4g-protected", f"image=high above la57 {PROTECTED}",
         boots("image start=0x00000001[0-9a-f]{8}"), (LARGE,)),
    Case("image-below-1m", "image=low",
         boots("image start=0x00000000000[0-9a-f]{5}")),
)

STRANGE_OPTIONS = r"W options: load options ignored bytes="
OPTIONS = (
    Case("options-at-null", "options=null null_page"),
    Case("options-endless", "options=endless",
         boots(warnings=(STRANGE_OPTIONS,)), (SMALL,)),
    Case("options-binary", "options=binary",
         boots(warnings=(STRANGE_OPTIONS,)), (SMALL,)),
    Case("options-only-a-name", "options=name", None, (SMALL,)),
    Case("options-behind-a-name", "options=words", None, (SMALL,)),
)

# A tick may be pending when the timer is masked: it comes when interrupts
# are let in, once.
ONE_TICK = r"W trap: spurious vector=112 count=1$"

# cr4=...1xxx is LA57; efer=...8xx NXE; cr0=...1xxxx WP.
PROCESSOR = (
    Case("page-0-absent", "null_page"),
    Case("no-execute", "nx"),
    Case("no-execute-by-section", "nx sections"),
    Case("write-xor-execute", f"{PROTECTED} cr4"),
    Case("attribute-protocol", "sections protocol"),
    Case("no-execute-for-ever", "nx strict",
         stops("loader: fault vector=14 error=0x11")),
    Case("five-levels", "la57",
         boots("processor .* cr4=0x0{12}1[0-9a-f]{3} ")),
    Case("five-levels-protected", f"la57 cr4 {PROTECTED} reverse refuse=2",
         boots("processor .* cr4=0x0{10}[0-9a-f]{2}1[0-9a-f]{3} ")),
    Case("every-cr4-bit", "cr4",
         boots("processor .* cr4=0x00000000007[0-9a-f]{5} ")),
    Case("write-protect-off", "wp_off", boots("processor cr0=0x0{8}80000033")),
    Case("no-execute-off", "plain nxe_off",
         boots("processor .* efer=0x0{13}[0-7]")),
    Case("clock-goes-on", "clock",
         boots("clock ticks=[1-9]", tolerated=ONE_TICK)),
    Case("clock-goes-on-five-levels", "clock la57 wp_off",
         boots("clock ticks=[1-9]", tolerated=ONE_TICK)),
)

ACPI_TROUBLE = r"W acpi: unusable table={} why="
# Where there is no way to any table, there is none to this one either.
NO_MADT = r"W smp: unusable table=MADT why="
POWER_FOUND = "I acpi: power reset_register=1 sleep=1"
TABLES = (
    Case("console-none", "console=none"),
    Case("console-none-and-no-memory", "console=none largest=1",
         refuses("no memory for the")),
    *(Case(f"acpi-{kind}".replace("_", "-"), f"acpi={kind}",
           boots(warnings=(ACPI_TROUBLE.format("RSDP"), NO_MADT)),
           (SMALL,))
      for kind in ("none", "empty", "null", "nowhere", "beyond", "corrupt")),
    *(Case(f"acpi-{kind}".replace("_", "-"), f"acpi={kind}",
           boots(warnings=(ACPI_TROUBLE.format("FADT"), NO_MADT)),
           (SMALL,))
      for kind in ("xsdt_alone", "roots_corrupt")),
    # The other root leads to the same tables.
    *(Case(f"acpi-{kind}".replace("_", "-"), f"acpi={kind}",
           boots(POWER_FOUND), (SMALL,))
      for kind in ("xsdt_corrupt", "xsdt_beyond", "xsdt_endless")),
    Case("acpi-1.0", "acpi=1.0", boots(POWER_FOUND), BOTH),
    Case("acpi-both", "acpi=both_swapped", boots(POWER_FOUND), (SMALL,)),
)

READY = r"I screen: ready width={} height={} pitch={} base={} "
BASE = "0x[0-9a-f]+"
SCREENS = (
    *(Case(f"screen-{kind}", f"screen={kind}", boots("I screen: none"),
           (SMALL,)) for kind in ("none", "tiny", "narrow", "flat",
                                  "bltonly", "16bit", "huge", "strange",
                                  "mute")),
    *(Case(f"screen-{kind}", f"screen={kind}", boots(warnings=(
        f"W screen: refused why=.*{why}",)), (SMALL,)) for kind, why in (
            ("low", "too low"),
            ("masks", "not 8 bits each"), ("stolen", "memory that is in use"),
            ("wrap", "beyond all physical addresses"))),
    Case("screen-endless", "screen=endless",
         boots(READY.format(640, 480, 2560, BASE)), (SMALL,)),
)
# Those that are drawn on: machine, size in pixels, pixels from line to line.
FRAMEBUFFERS = {
    "plain": (SMALL, 640, 480, 640), "shifted": (SMALL, 640, 480, 640),
    "pitch": (SMALL, 600, 480, 648), "short": (SMALL, 640, 300, 640),
    "high": (LARGE, 640, 480, 640),
}


def _screen_scenarios():
    for kind, (machine, width, height, pitch) in FRAMEBUFFERS.items():
        base = "0x1[0-9a-f]{8}" if kind == "high" else BASE
        yield Scenario(
            f"hostile-screen-{kind}",
            ({"machine": machine, "hostile": f"screen={kind}",
              "cmdline": 'run="pt audit -m" on-idle=monitor'},),
            (checks.ends("stopped"), checks.says("what_was_found", READY.format(
                width, height, 4 * pitch, base)),
             hostile.draws_every_pixel_and_no_other(width, height, pitch)),
            steps=hostile.read_framebuffer)
    yield Scenario(
        "hostile-screen-above-512g",
        ({"machine": SMALL, "cmdline": hostile.CMDLINE, "unheard": True,
          "hostile": "screen=far"},),
        (boots(READY.format(640, 480, 2560, "0xfc10000000")),))


def _until_clock_asked(guest, notes):
    guest.wait_for(r"^@end cmd=pt")
    notes["pic"] = guest.qmp.monitor("info pic")
    notes["lapic"] = guest.qmp.monitor("info lapic")
    return True


def _special_scenarios():
    yield Scenario(
        "hostile-clock-is-silenced",
        ({"machine": SMALL, "hostile": "clock",
          "cmdline": 'run="pt audit -m" on-idle=monitor'},),
        (checks.ends("stopped"), hostile.interrupts_are_masked),
        steps=_until_clock_asked)
    for machine in BOTH:
        for service, least, survivable in (
                ("AllocatePages", 10, (NO_LARGE_RUN,)),
                ("GetMemoryMap", 2, ()),
                ("HandleProtocol", 1, ("W loader: volume unreadable",)),
                ("LocateProtocol", 1, ())):
            yield hostile.EachCall(
                f"hostile-each-{service}-fails-{machine}",
                ({"machine": machine},),
                (hostile.each_failure_is_survived(least, survivable),),
                service=service)


def scenarios():
    """Every scenario behind hostile firmware."""
    for case in (*MAPS, *EXITS, *PAGES, *OPTIONS, *PROCESSOR, *TABLES,
                 *SCREENS):
        yield from case.scenarios()
    yield from _screen_scenarios()
    yield from _special_scenarios()

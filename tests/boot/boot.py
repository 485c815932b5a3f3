# SPDX-License-Identifier: MIT OR Apache-2.0
"""One boot of BOOTX64.EFI: asked for, started, and what came of it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from . import guest, machine, records, snapshot


@dataclass
class Request:
    """The file to boot and how. Each default is the plain case."""

    machine: str
    app: Path
    cmdline: str = ""
    cold: bool = False  # through the firmware, from the disk
    exact: bool = False  # 1 instruction = 1 ns = 1 tick
    threads: str = "single"  # "multi": processors really run at once
    trace: bool = False  # exceptions and resets in trace.txt
    limit: float = 60
    config: str = None  # BULLDOG.CFG on a cold disk, None: ours
    files: tuple = ()  # more on a cold disk, "EFI/PATH=file"
    hostile: str = ""  # what the springboard's firmware does to us
    unheard: bool = False  # writes to where nothing is are no error

    @property
    def shape(self):
        return machine.MACHINES[self.machine]

    def arguments(self, folder):
        """The settings that may differ between wakings of a snapshot."""
        (folder / "cmdline").write_text(self.cmdline)
        kinds = "int,cpu_reset,guest_errors" if self.trace \
            else "unimp" if self.unheard else "guest_errors"
        worse = []
        if self.hostile:
            (folder / "hostile").write_text(self.hostile)
            worse = machine.fw_cfg_file("opt/org.bulldog.hostile",
                                        folder / "hostile")
        return [*machine.accelerator_arguments(self.exact, self.threads),
                *worse,
                *machine.fw_cfg_file("opt/org.bulldog.cmdline",
                                     folder / "cmdline"),
                "-d", kinds, "-D", str(folder / "trace.txt")]


@dataclass
class Outcome:
    """The output and the files of a boot."""

    verdict: str
    serial: str
    trace: str
    notes: dict  # what the scenario's own steps put down

    def __post_init__(self):
        self.answers = records.answers(self.serial)

    def answer_with(self, kind):
        """The first answer that has a record of this type."""
        return records.having(self.answers, kind)


class Lab:
    """Where boots happen: the build, its snapshots, a scratch folder."""

    def __init__(self, build, scratch):
        self.build = Path(build).resolve()
        self.scratch = Path(scratch).resolve()
        self.app = self.build / "BOOTX64.EFI"
        self.snapshots = snapshot.Snapshots(self.build, self.scratch)

    def close(self):
        """Takes the scratch folder away."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def start(self, request, folder):
        """A Guest, to be entered with `with`."""
        if not request.cold:
            place = self.snapshots.get(request.shape)
            return snapshot.wake(place, request.shape, request, folder)
        snapshot.make_esp(folder / "esp.img", request.app, request.config,
                          request.files)
        shutil.copyfile(machine.firmware(request.shape.firmware[1]),
                        folder / "vars.fd")
        arguments = machine.shape_arguments(
            request.shape, folder / "vars.fd", folder / "esp.img") \
            + machine.ram_arguments(request.shape) \
            + request.arguments(folder)
        return guest.Guest(arguments, folder, request.limit,
                           "stdio" if request.shape.has_serial else "none")

    def run(self, request, folder, steps=None):
        """Boots, takes the steps (or waits for the end): an Outcome.

        `steps(guest, notes)` may talk to the guest. If it returns True the
        guest is stopped, else it is left to come to its own end."""
        notes = {"kernel": self.build / "kernel.elf",
                 "cmdline": request.cmdline}
        folder.mkdir(parents=True, exist_ok=True)
        with self.start(request, folder) as running:
            try:
                done = steps(running, notes) if steps else False
                if done:
                    running.stop()
                else:
                    running.finish()
            except guest.GuestError as error:
                notes["error"] = str(error)
                running.stop()
            notes["events"] = running.qmp.drain()
            trace = folder / "trace.txt"
            return Outcome(running.verdict, running.serial,
                           trace.read_text(errors="replace")
                           if trace.exists() else "", notes)

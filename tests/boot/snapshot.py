# SPDX-License-Identifier: MIT OR Apache-2.0
"""Machines frozen behind their firmware, one per shape.

The guest's RAM is a sparse file that the frozen machine wrote to; QEMU is
told (capability x-ignore-shared) to leave it out of the stream of device
state. A test maps that file privately: its pages come from the page cache,
are copied when written to, and cost nothing when they are not looked at. So
600 GiB wake as fast as 64 MiB, and two tests can wake one snapshot at once.
"""

import functools
import hashlib
import shutil
import threading
from pathlib import Path

from . import guest, machine

LAYOUT = 3  # change it when what a snapshot holds changes
# The firmware takes half a minute for 46 address bits, on a core of its own.
FREEZE_SECONDS = 600


def make_esp(path, app, config="", files=()):
    """A FAT image with `app` as the one that the firmware boots, `config`
    as the text of BULLDOG.CFG (None: the file that we ship), and `files`:
    "EFI/PATH=file" each."""
    environment = {}
    if config is not None:
        written = path.with_suffix(".cfg")
        written.write_text(config)
        environment["BULLDOG_CFG"] = str(written)
    machine.script("make-image", app, path, *files, **environment)


@functools.lru_cache(maxsize=None)
def _content(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Snapshots:
    """The snapshots below build/, made when they are first asked for."""

    def __init__(self, build, scratch):
        self._folder = Path(build) / "snapshots"
        self._scratch = Path(scratch)
        self._springboard = Path(build) / "springboard.efi"
        self._locks = {name: threading.Lock() for name in machine.MACHINES}
        self._failures = {}

    def _place(self, shape):
        arguments = machine.shape_arguments(shape, "vars", "boot")
        facts = [str(LAYOUT), machine.qemu_version(),
                 _content(self._springboard),
                 *(_content(machine.firmware(part))
                   for part in shape.firmware), *arguments]
        key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
        return self._folder / f"{shape.name}-{key}"

    def is_made(self, shape):
        """Whether `get` would be quick."""
        return self._place(shape).is_dir()

    def get(self, shape):
        """The folder of the shape's snapshot."""
        with self._locks[shape.name]:
            place = self._place(shape)
            if shape.name in self._failures:
                raise self._failures[shape.name]
            if not place.is_dir():
                try:
                    self._make(shape, place)
                except Exception as error:
                    # Each failure takes long: one is enough.
                    self._failures[shape.name] = error
                    raise
            return place

    def drop(self, shape):
        """Forgets a shape's snapshot."""
        shutil.rmtree(self._place(shape), ignore_errors=True)

    def _make(self, shape, place):
        self._folder.mkdir(parents=True, exist_ok=True)
        for stale in self._folder.glob(f"{shape.name}-" + "?" * 16):
            shutil.rmtree(stale, ignore_errors=True)
        fresh = self._scratch / f"snapshot-{shape.name}"
        fresh.mkdir(parents=True)
        if shape.has_disk:
            make_esp(fresh / "boot", self._springboard)
        else:
            shutil.copyfile(self._springboard, fresh / "boot")
        shutil.copyfile(machine.firmware(shape.firmware[1]),
                        fresh / "vars.fd")
        self._freeze(shape, fresh)
        try:
            fresh.rename(place)
        except OSError:
            # Another run was quicker: its snapshot is as good.
            shutil.rmtree(fresh)

    @staticmethod
    def _freeze(shape, fresh):
        arguments = machine.shape_arguments(
            shape, fresh / "vars.fd", fresh / "boot") \
            + machine.ram_arguments(shape, fresh / "ram", share="on") \
            + machine.accelerator_arguments(exact=False) \
            + ["-fw_cfg", "name=opt/org.bulldog.go,string=0"]
        with guest.Guest(arguments, fresh, FREEZE_SECONDS) as made:
            made.wait_for(r"^SNAPPOINT$")
            made.qmp.execute("migrate-set-capabilities", capabilities=[
                {"capability": "x-ignore-shared", "state": True},
                {"capability": "events", "state": True}])
            with open(fresh / "state", "wb") as state:
                made.qmp.pass_file("state", state)
            made.qmp.execute("migrate", uri="fd:state")
            status = "setup"
            while status not in ("completed", "failed"):
                event = made.qmp.wait_event("MIGRATION")
                status = event["data"]["status"]
            if status == "failed":
                raise guest.GuestError("the machine cannot be frozen")
            made.stop()


def wake(place, shape, request, folder):
    """A Guest that wakes a snapshot with this request's application."""
    shutil.copyfile(place / "vars.fd", folder / "vars.fd")
    arguments = machine.shape_arguments(
        shape, folder / "vars.fd", place / "boot") \
        + machine.ram_arguments(shape, place / "ram") \
        + ["-fw_cfg", "name=opt/org.bulldog.go,string=11",
           *machine.fw_cfg_file("opt/org.bulldog.app", request.app),
           *request.arguments(folder), "-incoming", "defer"]
    return WokenGuest(arguments, folder, place / "state", request.limit)


class WokenGuest(guest.Guest):
    """A Guest whose devices come from a stream."""

    def __init__(self, arguments, folder, state, limit):
        super().__init__(arguments, folder, limit)
        self._state = state

    def __enter__(self):
        super().__enter__()
        try:
            self.qmp.execute("migrate-set-capabilities", capabilities=[
                {"capability": "x-ignore-shared", "state": True}])
            with open(self._state, "rb") as state:
                self.qmp.pass_file("state", state)
            self.qmp.execute("migrate-incoming", uri="fd:state")
        except BaseException:
            self.__exit__()
            raise
        return self

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The machines that we boot on, and how QEMU is asked for one.

A machine's arguments are the same when its snapshot is made and when it is
woken, to the letter: QEMU does not check, it goes wrong.
"""

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QEMU = os.environ.get("QEMU", "qemu-system-x86_64")


@dataclass(frozen=True)
class Node:
    """One NUMA node: its memory and its processors as QEMU writes them,
    None for none; how far it is to each node."""

    memory: str
    cpus: str
    distances: tuple


@dataclass(frozen=True)
class Machine:
    """One shape of machine; `extra` are arguments beyond the plain set,
    `firmware` what scripts/find-ovmf calls its code and variables.

    Without a disk, the firmware gets what it boots from QEMU itself: then
    nothing in the machine depends on how fast the host is. Without a serial
    port, no test can see that the springboard is ready: such a machine, too, is
    one for cold boots only."""

    name: str
    board: str
    memory: str
    cpu: str
    extra: tuple = ()
    firmware: tuple = ("code", "vars")
    has_disk: bool = True
    has_serial: bool = True
    only_cold: bool = False
    nodes: tuple = ()
    plugged: str = ""  # more words about memory: slots and an upper limit


def _table(*machines):
    return {machine.name: machine for machine in machines}


# Every size on every board, and each of both with either processor: qemu64
# has no 1 GiB pages, SMEP, SMAP or UMIP; max has all of them, and LA57.
MACHINES = _table(
    Machine("q35-64m", "q35", "64M", "max"),
    Machine("pc-64m", "pc", "64M", "qemu64"),
    Machine("q35-128m", "q35", "128M", "qemu64"),
    Machine("pc-128m", "pc", "128M", "max"),
    Machine("q35-512m", "q35", "512M", "max"),
    Machine("pc-512m", "pc", "512M", "qemu64"),
    Machine("q35-3g", "q35", "3G", "qemu64"),
    Machine("pc-3g", "pc", "3G", "max"),
    Machine("q35-9g", "q35", "9G", "max"),
    Machine("pc-9g", "pc", "9G", "qemu64"),
    # More than one processor.
    Machine("q35-2cpu", "q35", "512M", "max", ("-smp", "2")),
    # An Intel Xeon by name: on those, all processors get a machine check.
    Machine("pc-4cpu", "pc", "512M",
            "max,vendor=GenuineIntel,family=6,model=85", ("-smp", "4")),
    Machine("q35-16cpu", "q35", "512M", "qemu64", ("-smp", "16")),
    Machine("q35-64cpu", "q35", "512M", "qemu64", ("-smp", "64"),
            only_cold=True),
    # Memory and processors on several nodes: alike; and one that has only
    # processors, one that has only memory, on both sides of 4 GiB, and a way
    # there that is longer than the way back.
    Machine("q35-16cpu-4node", "q35", "1G", "max", ("-smp", "16"), nodes=(
        Node("256M", "0-3", (10, 20, 30, 20)),
        Node("256M", "4-7", (20, 10, 20, 30)),
        Node("256M", "8-11", (30, 20, 10, 20)),
        Node("256M", "12-15", (20, 30, 20, 10)))),
    Machine("pc-4cpu-4node-4g", "pc", "4G", "max", ("-smp", "4"), nodes=(
        Node("128M", "0", (10, 21, 31, 41)),
        Node(None, "1-2", (21, 10, 31, 25)),
        Node("384M", "3", (31, 31, 10, 17)),
        Node("3584M", None, (41, 26, 17, 10)))),
    # So many that what is known about them fills what is free below the ACPI
    # tables, and then the place where those were.
    Machine("q35-128-nodes", "q35", "256M", "max", only_cold=True, nodes=(
        Node("2M", "0", ()), *127 * (Node("2M", None, ()),))),
    # No keyboard controller.
    Machine("q35-no-i8042", "q35,i8042=off", "512M", "max"),
    # A framebuffer, which no memory map mentions.
    Machine("q35-512m-vga", "q35", "512M", "max", ("-device", "VGA")),
    # Secure Boot, with a test key that is public.
    Machine("q35-secure", "q35,smm=on", "512M", "max",
            ("-global", "driver=cfi.pflash01,property=secure,value=on",
             "-global", "ICH9-LPC.disable_s3=1"),
            ("secure-code", "snakeoil-vars"), only_cold=True),
    # Each with a few values that no other machine has.
    Machine("q35-no-1g", "q35", "512M", "max,-pdpe1gb", ("-device", "VGA"),
            only_cold=True),
    Machine("q35-no-nx", "q35", "512M", "max,-nx",
            ("-device", "virtio-gpu-pci"), only_cold=True),
    Machine("pc-no-nx", "pc", "128M", "qemu64,-nx", only_cold=True),
    Machine("q35-no-smep", "q35", "512M", "max,-smep,-smap",
            ("-smp", "4", "-device", "ramfb"), only_cold=True),
    Machine("q35-no-serial", "q35", "512M", "max", ("-device", "VGA"),
            only_cold=True, has_serial=False),
    Machine("q35-600g", "q35,i8042=off", "600G", "max", only_cold=True),
    # For counting instructions; the second has RAM across more than one
    # top-level entry, and room for thousands of stripes.
    Machine("exact-512m", "q35", "512M", "max", has_disk=False),
    Machine("exact-600g", "q35", "600G", "max", has_disk=False),
    # The firmware takes seconds for each bit that an address can have.
    Machine("exact-4t", "q35", "4T", "max,phys-bits=43", has_disk=False),
    # All bits of the supported 64 TiB, and memory at 16 TiB, which this
    # firmware does not see: tests/firmware/map_amount.c adds it to the map.
    Machine("exact-16t", "q35", "512M", "max,phys-bits=46",
            ("-object", "memory-backend-ram,id=dimm,size=256M,reserve=off",
             "-device", "pc-dimm,memdev=dimm,addr=0x100000000000"),
            has_disk=False, plugged=",slots=1,maxmem=17T"),
)


@functools.lru_cache(maxsize=None)
def firmware(part):
    """The path of a firmware file; `part` as scripts/find-ovmf has it."""
    return script("find-ovmf", part)


def script(name, *arguments, **environment):
    """Runs one of scripts/; gives what it printed."""
    done = subprocess.run([ROOT / "scripts" / name, *arguments], check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          env={**os.environ, **environment}, text=True)
    return done.stdout.strip()


@functools.lru_cache(maxsize=None)
def qemu_version():
    """QEMU's version, on one line."""
    done = subprocess.run([QEMU, "--version"], capture_output=True, text=True,
                          check=True)
    return done.stdout.splitlines()[0]


def _comma(path):
    """A path inside an option list: QEMU wants commas doubled."""
    return str(path).replace(",", ",,")


def fw_cfg_file(name, path):
    """Arguments for one fw_cfg file whose content is a file's."""
    return ["-fw_cfg", f"name={name},file={_comma(path)}"]


def node_arguments(machine):
    """Which memory and which processors are whose, and how far it is."""
    arguments, distances = [], []
    for number, node in enumerate(machine.nodes):
        words = f"node,nodeid={number}"
        words += f",memdev=ram{number}" if node.memory else ""
        words += f",cpus={node.cpus}" if node.cpus else ""
        arguments += ["-numa", words]
        for to, distance in enumerate(node.distances):
            distances += ["-numa", f"dist,src={number},dst={to},"
                          f"val={distance}"]
    return arguments + distances


def shape_arguments(machine, variables, boot_from):
    """The devices, which a snapshot freezes. `variables` is the firmware's
    store, which is written to; `boot_from` an ESP image, only read, or,
    without a disk, an EFI application."""
    if machine.has_disk:
        boot = ["-drive", "if=none,id=esp,format=raw,readonly=on,file="
                + _comma(boot_from),
                "-device", "virtio-blk-pci,drive=esp,bootindex=0"]
    else:
        boot = ["-kernel", str(boot_from)]
    return [
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", machine.board + ("" if machine.nodes
                                     else ",memory-backend=ram"),
        "-cpu", machine.cpu, "-m", machine.memory + machine.plugged,
        "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
        "-drive", "if=pflash,format=raw,unit=0,readonly=on,file="
        + _comma(firmware(machine.firmware[0])),
        "-drive", "if=pflash,format=raw,unit=1,file=" + _comma(variables),
        *boot, *machine.extra, *node_arguments(machine),
    ]


def _ram(name, size, path, share):
    if path is None:
        backend = "memory-backend-ram"
    else:
        backend = f"memory-backend-file,mem-path={_comma(path)},share={share}"
    return ["-object", f"{backend},id={name},size={size},reserve=off"]


def ram_arguments(machine, path=None, share="off"):
    """Plain RAM, or RAM that is a file: written to (`share` on), or only
    read, each changed page becoming private (off). Nodes have a file each,
    with their number behind the name."""
    if not machine.nodes:
        return _ram("ram", machine.memory, path, share)
    arguments = []
    for number, node in enumerate(machine.nodes):
        if node.memory:
            arguments += _ram(f"ram{number}", node.memory,
                              path and f"{path}{number}", share)
    return arguments


def accelerator_arguments(exact, threads="single"):
    """`exact`: one nanosecond of the guest's time per instruction.
    `threads` "multi": processors really run at once."""
    arguments = ["-accel", f"tcg,thread={threads}"]
    if exact:
        arguments += ["-icount", "shift=0,sleep=off"]
    return arguments


def tied_to_us(arguments):
    """The command, made to die with us however we die."""
    setpriv = shutil.which("setpriv")
    return ([setpriv, "--pdeathsig", "KILL"] if setpriv else []) + arguments

# SPDX-License-Identifier: MIT OR Apache-2.0
"""One running QEMU: what goes in, what comes out, and how it ended."""

import os
import re
import signal
import subprocess
import threading
import time

from . import machine, qmp

# The meaning of the process's exit status. QEMU ends with 0 after a triple
# fault and after a power-off alike, so no test passes with it.
VERDICTS = {
    0: "shutdown",
    33: "ok",
    35: "command failed",
    37: "panic",
    65: "returned",
    67: "springboard broken",
    69: "refused",
}


class GuestError(Exception):
    """The guest did not do in time what the test waited for."""


class LivingProcesses:
    """Every process that we run, so that all can be ended and none is left.

    Each leads a session of its own: a Ctrl-C at the terminal reaches us
    alone, and what a test script has started ends with it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._processes = set()
        self._closed = False

    def start(self, arguments, **how):
        with self._lock:
            if self._closed:
                raise GuestError("the run was ended")
            process = subprocess.Popen(machine.tied_to_us(arguments),
                                       start_new_session=True, **how)
            self._processes.add(process)
            return process

    def forget(self, process):
        """Ends it, if it has not ended, and collects it."""
        with self._lock:
            self._processes.discard(process)
        self.kill(process)
        return process.wait()

    @staticmethod
    def kill(process):
        """Ends it and what it started, unless it has ended already."""
        if process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.kill()

    def end_all(self):
        """Ends them all; no other is started from now on."""
        with self._lock:
            self._closed = True
            for process in self._processes:
                self.kill(process)


LIVING = LivingProcesses()


class Guest:
    """Use as a context manager: leaving the block ends the process.

    `folder` receives serial.txt, qemu.txt (QEMU's own complaints), command
    and, where asked for, trace.txt."""

    def __init__(self, arguments, folder, limit=60, serial="stdio"):
        self.folder = folder
        self.limit = limit
        self.code = None
        self.timed_out = False
        self.ended_by_us = False
        self.registers = ""
        self.qmp = qmp.Qmp()
        self._arguments = [machine.QEMU, *arguments, "-serial", serial,
                           *self.qmp.arguments()]
        self._process = None
        self._deadline = None

    def __enter__(self):
        folder = self.folder
        (folder / "command").write_text(" ".join(self._arguments) + "\n")
        self._deadline = time.monotonic() + self.limit
        try:
            with open(folder / "serial.txt", "wb") as serial, \
                    open(folder / "qemu.txt", "wb") as complaints:
                self._process = LIVING.start(
                    self._arguments, stdin=subprocess.PIPE, stdout=serial,
                    stderr=complaints,
                    pass_fds=(self.qmp.theirs.fileno(),))
            self.qmp.open(self.limit)
        except qmp.QmpError as error:
            self.__exit__()
            raise GuestError(f"{error}: {self.complaints()}") from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        self.qmp.close()
        if self._process is not None:
            self._process.stdin.close()
            self.code = LIVING.forget(self._process)

    def complaints(self):
        """The messages of QEMU itself."""
        return (self.folder / "qemu.txt").read_text(errors="replace").strip()

    @property
    def serial(self):
        """All that came from COM1 so far, in lines that end in \\n."""
        raw = (self.folder / "serial.txt").read_bytes()
        return raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n")

    def wait_for(self, pattern, count=1):
        """Waits until the regular expression was printed `count` times."""
        while True:
            ended = self._process.poll() is not None
            text = self.serial
            if len(re.findall(pattern, text, re.MULTILINE)) >= count:
                return text
            if ended:
                raise GuestError(f"QEMU ended before {pattern!r} was seen")
            if time.monotonic() > self._deadline:
                self._note_timeout()
                raise GuestError(f"{pattern!r} was not seen in time")
            time.sleep(0.02)

    def type(self, text):
        """Sends text to COM1, as a person at a terminal would."""
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def finish(self):
        """Waits for the guest to end QEMU; gives the verdict."""
        left = max(0.0, self._deadline - time.monotonic())
        try:
            self.code = self._process.wait(left)
        except subprocess.TimeoutExpired:
            self._note_timeout()
        return self.verdict

    def stop(self):
        """Ends QEMU from outside, when the guest has no reason to."""
        self.ended_by_us = True
        LIVING.kill(self._process)
        self.code = self._process.wait()

    def _note_timeout(self):
        self.timed_out = True
        try:
            self.registers = self.qmp.monitor("info registers")
        except qmp.QmpError as error:
            self.registers = str(error)
        (self.folder / "registers.txt").write_text(self.registers)

    @property
    def verdict(self):
        """One phrase; "ok" is the only good one by itself."""
        if self.timed_out:
            return "timeout"
        if self.ended_by_us:
            return "stopped"
        return VERDICTS.get(self.code, f"exit status {self.code}")

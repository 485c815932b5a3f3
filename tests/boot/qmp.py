# SPDX-License-Identifier: MIT OR Apache-2.0
"""A client for QEMU's control socket (QMP), over a socket pair: there is no
path that could be too long or left behind."""

import json
import socket


class QmpError(Exception):
    """QEMU refused a command, or is gone."""


class Qmp:
    """One connection. Not for use by two threads at once."""

    def __init__(self):
        self._ours, self.theirs = socket.socketpair()
        self._pending = b""
        self.events = []

    def arguments(self):
        """The arguments for QEMU's end, `theirs`, which it must inherit."""
        number = self.theirs.fileno()
        return ["-chardev", f"socket,id=qmp,fd={number}",
                "-mon", "chardev=qmp,mode=control"]

    def open(self, timeout):
        """After QEMU was started: shake hands."""
        self.theirs.close()
        self._ours.settimeout(timeout)
        self._receive()
        self.execute("qmp_capabilities")

    def close(self):
        """Both ends, whichever are still open."""
        self._ours.close()
        self.theirs.close()

    def _receive(self):
        while b"\n" not in self._pending:
            try:
                more = self._ours.recv(65536)
            except OSError as error:
                raise QmpError(f"QEMU does not answer: {error}") from error
            if not more:
                raise QmpError("QEMU is gone")
            self._pending += more
        line, self._pending = self._pending.split(b"\n", 1)
        return json.loads(line)

    def execute(self, command, **arguments):
        """Runs one command and gives what it returns."""
        return self._execute(command, arguments, [])

    def pass_file(self, name, file):
        """Makes an open file known to QEMU as `fd:name`."""
        self._execute("getfd", {"fdname": name}, [file.fileno()])

    def _execute(self, command, arguments, numbers):
        message = {"execute": command,
                   "arguments": {key.replace("_", "-"): value
                                 for key, value in arguments.items()}}
        try:
            socket.send_fds(self._ours,
                            [json.dumps(message).encode() + b"\n"], numbers)
        except OSError as error:
            raise QmpError(f"QEMU is gone: {error}") from error
        while True:
            answer = self._receive()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error']['desc']}")
            self.events.append(answer)

    def wait_event(self, name):
        """The next event of this name, perhaps one that has come already."""
        while True:
            for event in self.events:
                if event.get("event") == name:
                    self.events.remove(event)
                    return event
            answer = self._receive()
            if "event" in answer:
                self.events.append(answer)

    def drain(self):
        """The events that are left when QEMU has ended."""
        try:
            while True:
                self.events.append(self._receive())
        except QmpError:
            return self.events

    def monitor(self, line):
        """A command of the human monitor, such as `info tlb`."""
        return self.execute("human-monitor-command", command_line=line)

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of keyboard and serial input: a person at either, and both.

Input from the keyboard is echoed on the serial line, so these cases read the
serial line."""

import time

from . import checks, qmp
from .scenario import Scenario

# QEMU's names for what a person presses; capitals and the like need Shift.
NAMES = {" ": "spc", "-": "minus", "\n": "ret", "\t": "tab", "\b": "backspace",
         ";": "semicolon", "=": "equal", ".": "dot", ",": "comma"}
SHIFTED = {"_": "minus", ":": "semicolon", "+": "equal"}
ESC = "\x1b"
ATTEMPTS = 200


def press(guest, *names):
    """Presses these at once and lets them go."""
    guest.qmp.execute("send-key", hold_time=10, keys=[
        {"type": "qcode", "data": name} for name in names])


def press_text(guest, text):
    """Types a text on the keyboard, a key at a time: QEMU keeps what is
    pressed too fast, but not for ever."""
    for character in text:
        if character in SHIFTED:
            press(guest, "shift", SHIFTED[character])
        elif character.isupper():
            press(guest, "shift", character.lower())
        else:
            press(guest, NAMES.get(character, character))


def _when_ready(guest):
    guest.wait_for(r"monitor: ready")
    guest.wait_for(r"^bulldog> ")


def _answers(guest, command, count=1):
    guest.wait_for(rf"^@end cmd={command} status=0", count)


def _use_keyboard(guest, _notes):
    """Editing keys, history, completion, and a slip."""
    _when_ready(guest)
    press_text(guest, "memmal\b")
    press(guest, "left")
    press(guest, "end")
    press_text(guest, "p -m\n")
    _answers(guest, "memmap")
    press(guest, "up")
    press(guest, "ret")
    _answers(guest, "memmap", 2)
    press_text(guest, "led\t-m\n")
    _answers(guest, "ledger")
    press_text(guest, "xx-M")
    press(guest, "ctrl", "a")
    press(guest, "delete")
    press(guest, "delete")
    press_text(guest, "layout ")
    press(guest, "end")
    press_text(guest, "\bm")
    press(guest, "caps_lock")
    press_text(guest, "X")  # Shift takes the capital back
    press(guest, "caps_lock")
    press_text(guest, "\b\n")
    _answers(guest, "layout")
    press_text(guest, "legder\n")
    guest.wait_for(r"E monitor: no such command name=\"legder\"")
    press(guest, "pause")
    press_text(guest, "poweroff")
    press(guest, "kp_enter")


def _use_terminal(guest, _notes):
    """The same in the words of a terminal, and then in no words at all."""
    _when_ready(guest)
    guest.type(f"emmap -m{ESC}[Hm\r")
    _answers(guest, "memmap")
    guest.type(f"{ESC}[A\n")
    _answers(guest, "memmap", 2)
    guest.type("led\t-m\r\n")
    _answers(guest, "ledger")
    guest.type(f"xlayout -mm{ESC}OD{ESC}[3~\x01\x04\r")
    _answers(guest, "layout")
    guest.type(f"lost{ESC}[200~\x03{ESC}[15~{ESC}[[A\x00\x80\xff{ESC}")
    guest.type("[1111111111111111111;\x7f\x15\x0b\x07\x13\x11")
    guest.type("x" * 400 + "\r")
    guest.wait_for(r"E monitor: no such command name=\"x{255}\"")
    guest.type("l\t\t")
    guest.wait_for(r"^ledger +layout +log$")
    guest.type("\x15bootinfo -m; meminfo -m\r")
    _answers(guest, "bootinfo")
    _answers(guest, "meminfo")
    guest.type("poweroff\r")


def _use_both(guest, _notes):
    """One line, half of it from each."""
    _when_ready(guest)
    guest.type("boot")
    guest.wait_for(r"^bulldog> boot")
    press_text(guest, "info -m")
    guest.wait_for(r"^bulldog> bootinfo -m")
    guest.type("\r")
    _answers(guest, "bootinfo")
    # A mouse that moves must not disturb the keyboard.
    for step in range(20):
        guest.qmp.execute("input-send-event", events=[
            {"type": "rel", "data": {"axis": "x", "value": step - 9}}])
        press_text(guest, "led"[step:step + 1])
    press_text(guest, "ger -m\n")
    _answers(guest, "ledger")
    press_text(guest, "poweroff\n")


def _paste(guest, _notes):
    """A line longer than the UART's queue, and lines right behind it."""
    _when_ready(guest)
    words = " ".join(f"w{number}" for number in range(40))
    guest.type(f"nothing {words}\rledger -m\rmemmap -m\r")
    _answers(guest, "ledger")
    _answers(guest, "memmap")
    guest.type("poweroff\r")


def _only_keyboard(guest, _notes):
    """Nothing is printed on the serial line, so the test cannot know when the
    monitor is ready: it repeats the command until the machine goes off."""
    for _ in range(ATTEMPTS):
        try:
            press_text(guest, "\npoweroff\n")
        except qmp.QmpError:
            return
        time.sleep(0.2)


def _scenario(name, steps, *more, machine="q35-512m", options=""):
    return Scenario(
        name,
        ({"machine": machine, "trace": True,
          "cmdline": f"on-idle=monitor {options}".strip()},),
        (checks.ends("shutdown"), checks.was_powered_off, *more),
        steps=steps)


def scenarios():
    """Every scenario of the input."""
    ps2 = checks.says("which_input_was_found",
                      "I input: found serial=yes keyboard=ps2")
    none = checks.says("which_input_was_found",
                       "I input: found serial=yes keyboard=none")
    meant = checks.says("what_was_meant",
                        "name=\"?legder\"? did_you_mean=ledger")
    report = checks.says(
        "what_it_found_before_the_prompt",
        r"(?m)^CPUs +1 of 1\r?$\s+^usable +\d+ pages[^\x00]*^firmware +\d+ "
        r"pages[^\x00]*^named_pages=[^\x00]* I monitor: ready")
    return [
        *(_scenario(f"keyboard-{board}", _use_keyboard, ps2, meant,
                    machine=f"{board}-512m") for board in ("q35", "pc")),
        _scenario("terminal", _use_terminal, report),
        _scenario("keyboard-and-terminal", _use_both, ps2),
        _scenario("pasted-lines", _paste),
        _scenario("only-keyboard", _only_keyboard, options="console=none"),
        _scenario("no-keyboard-controller", _use_terminal, none,
                  machine="q35-no-i8042"),
    ]

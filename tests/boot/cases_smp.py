# SPDX-License-Identifier: MIT OR Apache-2.0
"""The boot tests of many processors: all of them, some of them, and one
that fails."""

from . import checks
from .scenario import Scenario

CPUS = {"q35-2cpu": 2, "pc-4cpu": 4, "q35-16cpu": 16}
COMMANDS = ("selftest ipi -m; cpus -m; selftest tlb -m; selftest ledger -m; "
            "selftest tables -m; pt audit -m; memmap raw -m; ledger -m")


def _states(outcome):
    records = outcome.answer_with("cpu").all("cpu")
    checks.expect_equal("the numbers of the processors",
                        [record.number("index") for record in records],
                        list(range(len(records))))
    apics = [record.number("apic") for record in records]
    checks.expect_equal("ids", len(set(apics)), len(apics))
    return [record["state"] for record in records]


def a_cpu_counts_once_it_has_started(outcome):
    """Where there are several, all have called all after `selftest ipi`."""
    several = _states(outcome).count("started") > 1
    for cpu in outcome.answer_with("cpu").all("cpu"):
        for key in ("calls_made", "calls_answered"):
            checks.expect_equal(f"whether there are {key} of {cpu}",
                                cpu.number(key) > 0,
                                several and cpu["state"] == "started")


def _starts(count, of):
    def check(outcome):
        checks.expect_equal("states", _states(outcome), ["started"] * count
                            + ["disabled"] * (of - count))
    check.__name__ = "starts_as_many_as_it_should"
    return check


def _records_of(outcome, name):
    return [record for answer in outcome.answers
            for record in answer.all("selftest") if record["name"] == name]


def _selftests_saw(cpus):
    def check(outcome):
        for name in ("ipi", "tlb"):
            seen = _records_of(outcome, name)
            checks.expect_equal(f"records of selftest {name}", len(seen), 1)
            checks.expect_equal(f"processors in selftest {name}",
                                seen[0].number("cpus"), cpus)
        ipi, tlb = (_records_of(outcome, name)[0] for name in ("ipi", "tlb"))
        checks.expect(ipi.number("answers") >= cpus * (cpus - 1),
                      "too few processors were called")
        checks.expect_equal("answers", ipi.number("answers"),
                            ipi.number("wanted"))
        checks.expect_equal("stale reads", tlb.number("stale"), 0)
        checks.expect(tlb.number("reads") >= cpus, "too few reads")
    check.__name__ = "selftests_saw_every_processor"
    return check


def _healthy(cpus, of):
    return (checks.ends("ok"), checks.every_command_succeeds,
            checks.nothing_is_complained_about,
            checks.serial_has_only_log_lines_records_and_results,
            checks.qemu_has_no_guest_errors, checks.selftests_pass,
            checks.every_page_has_one_owner, _starts(cpus, of),
            a_cpu_counts_once_it_has_started, _selftests_saw(cpus))


def _boot(machine, options="", commands=COMMANDS, **more):
    return ({"machine": machine, "cmdline":
             f'run="{commands}" on-idle=exit panic=exit {options}'.strip(),
             **more},)


def _start_scenarios():
    for name, cpus in CPUS.items():
        for threads in ("single", "multi"):
            yield Scenario(f"smp-{name}-{threads}",
                           _boot(name, threads=threads),
                           _healthy(cpus, cpus))
    for option, cpus in (("nosmp", 1), ("maxcpus=1", 1), ("maxcpus=3", 3)):
        yield Scenario(f"smp-{option}", _boot("pc-4cpu", option),
                       _healthy(cpus, 4))


def _lies_near(cpus):
    """The stacks of five kinds, 4 pages each, an area and a page of caches of
    every processor but the boot processor, which has the last only."""
    def check(outcome):
        near, = _records_of(outcome, "near")
        checks.expect_equal("processors", near.number("cpus"), cpus)
        checks.expect_equal("pages", near.number("pages"),
                            1 + (cpus - 1) * (5 * 4 + 1 + 1))
        checks.expect_equal("pages away", near.number("away"), 0)
    check.__name__ = "what_a_processor_uses_lies_near"
    return check


def several_nodes_have_processors(outcome):
    """Else all would be near whatever was done."""
    homes = {cache["node"] for answer in outcome.answers
             for cache in answer.all("frame_cache")}
    checks.expect(len(homes) > 1, f"only {homes}")


def _near_scenarios():
    for name, cpus in (("q35-16cpu-4node", 16), ("pc-4cpu-4node-4g", 4)):
        yield Scenario(
            f"smp-near-{name}",
            _boot(name, commands="selftest near -m; frames -m; ledger -m; "
                                 "memmap raw -m"),
            (checks.ends("ok"), checks.every_command_succeeds,
             checks.nothing_is_complained_about, checks.selftests_pass,
             checks.every_page_has_one_owner, _lies_near(cpus),
             several_nodes_have_processors))


# Alarms on each processor, as kernel/monitor/selftest_interrupt.c has it.
ALARMS = 200


def _handlers_allocated(cpus):
    """On every processor, within calls of the task that they interrupted;
    and a request that does not wait makes no processor drain."""
    def check(outcome):
        seen, = _records_of(outcome, "interrupt")
        checks.expect_equal("processors", seen.number("cpus"), cpus)
        checks.expect_equal("alarms", seen.number("alarms"), cpus * ALARMS)
        checks.expect(seen.number("least_inside") > ALARMS / 10,
                      f"hardly a call was interrupted: {seen}")
        # Half of the alarms allocate more than a hundred frames.
        checks.expect(seen.number("in_handlers") > cpus * ALARMS * 10,
                      f"handlers allocated little: {seen}")
        checks.expect(seen.number("in_tasks") > 100 * cpus,
                      f"tasks allocated little: {seen}")
        checks.expect(seen.number("splits") >= cpus, "no block was split")
        checks.expect_equal("wrong", seen.number("wrong"), 0)
        checks.expect_equal("drains without a wait",
                            seen.number("drains_no_wait"), 0)
        checks.expect_equal("drains of a task that waits",
                            seen.number("drains_wait"), 1)
        for context in ("task", "interrupt"):
            caches = [cache for answer in outcome.answers
                      for cache in answer.all("frame_cache")
                      if cache["context"] == context]
            checks.expect_equal(f"{context} caches", len(caches), cpus)
            checks.expect(all(cache.number("refills") > 0
                              for cache in caches), f"idle {context} cache")
    check.__name__ = "handlers_allocated_on_every_processor"
    return check


def _interrupt_scenarios():
    for name, cpus, threads in (("q35-512m", 1, "single"),
                                ("pc-4cpu", 4, "single"),
                                ("pc-4cpu", 4, "multi")):
        yield Scenario(
            f"smp-interrupt-{name}-{threads}",
            _boot(name, threads=threads,
                  commands="selftest interrupt -m; frames -m; "
                           "selftest ledger -m; ledger -m; memmap raw -m"),
            (checks.ends("ok"), checks.every_command_succeeds,
             checks.nothing_is_complained_about, checks.selftests_pass,
             checks.every_page_has_one_owner, _handlers_allocated(cpus)))


def _crash_scenarios():
    """One processor fails: it reports, and the others are silent."""
    for kind, cause in (("pf", 'cause="#PF'), ("df", 'cause="#DF'),
                        ("assert", "assertion failed")):
        for threads in ("single", "multi"):
            yield Scenario(
                f"smp-crash-{kind}-{threads}",
                _boot("pc-4cpu", commands=f"crash {kind} 2", threads=threads),
                (checks.ends("panic"), checks.says("its_cause", cause),
                 checks.says("which_processor", "E panic: exit .* cpu=2\\n"),
                 checks.never_says("panic: again"),
                 checks.serial_has_no_control_bytes))


# Valid, corrected, with an address: kept by a reset, and no CPU is stopped.
OLD_ERROR = 0x9400000000000134


def _leave_old_errors(guest, _notes):
    """In machine check banks of the second processor, before the boot."""
    guest.qmp.monitor(f"mce 1 2 {OLD_ERROR:#x} 0 0x1234000 0x8c")


def _old_error_scenario():
    """A CPU that finds something when it starts logs it once it can."""
    return Scenario(
        "smp-old-machine-check",
        _boot("q35-2cpu", commands="cpus -m; selftest ipi -m", cold=True,
              limit=120),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.says("what_was_left",
                     r"W trap: machine_check_bank bank=2 "
                     rf"status={OLD_ERROR:#x} address=0x1234000 "),
         _starts(2, 2)), steps=_leave_old_errors)


# Left are 3.6 MiB, and below 1 MiB as much as the stacks of one processor.
LITTLE = "memmap=520608K$3680K,448K$64K,48K$0x94000"


def some_start_and_some_cannot(outcome):
    """None may take the page in which all start."""
    states = _states(outcome)
    checks.expect("started" in states[1:], f"none but the first: {states}")
    checks.expect("absent" in states, "there was memory for all")


def _little_memory_scenario():
    return Scenario(
        "smp-little-memory",
        _boot("q35-64cpu", LITTLE, "cpus -m; memmap raw -m; ledger -m",
              cold=True, limit=120),
        (checks.ends("ok"), checks.every_command_succeeds,
         checks.says("who_cannot_start",
                     r'W smp: cannot start cpu=.* why="out of memory"'),
         checks.every_page_has_one_owner, some_start_and_some_cannot))


def scenarios():
    """Every scenario with more than one processor."""
    return [*_start_scenarios(), *_near_scenarios(), *_interrupt_scenarios(),
            *_crash_scenarios(), _old_error_scenario(),
            _little_memory_scenario()]

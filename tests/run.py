#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs every test there is, two at a time, and counts.

Unit tests are programs given on the command line; lint tests are the scripts
tests/lint/test_*; boot tests are in tests/boot/cases.py, and what checks them
in tests/boot/selfcheck.py. Prints one KTAP line for each case and, last,
`N passed, N failed, N skipped`.
"""

import argparse
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from boot import boot, cases, guest, machine  # noqa: E402

PROGRAM_SECONDS = 300
LINES_SHOWN = 30
RESULT = re.compile(r"\s*(ok|not ok) \d+\s*-?\s*(\S+)(?:\s+# (SKIP)\b.*)?")


class Program:
    """A unit test or a lint test: one process that prints KTAP lines. One
    that prints none is one case, and its exit status the result."""

    def __init__(self, name, path):
        self.name = name
        self.path = path

    def listing(self):
        """The line of --list; the cases are known only to the program."""
        return [self.name]

    def run(self):
        """[(case, "passed" or "failed" or "skipped", text)]"""
        process = guest.LIVING.start(
            [str(self.path)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(timeout=PROGRAM_SECONDS)
            status = process.returncode
        except subprocess.TimeoutExpired:
            status = f"none after {PROGRAM_SECONDS} s"
            guest.LIVING.kill(process)
            output, _ = process.communicate()
        finally:
            guest.LIVING.forget(process)
        return self._result(output.decode("utf-8", "replace"), status)

    def _result(self, output, status):
        results, since, planned = [], [], None
        for line in output.splitlines():
            found = RESULT.fullmatch(line)
            plan = re.fullmatch(r"\s*1\.\.(\d+)", line)
            planned = int(plan[1]) if plan else planned
            if not found:
                since.append(line)
                continue
            verdict = "skipped" if found[3] else \
                "passed" if found[1] == "ok" else "failed"
            results.append((f"{self.name}/{found[2]}", verdict,
                            "\n".join(since[-LINES_SHOWN:])))
            since = []
        last_words = "\n".join([f"exit status {status}",
                                *since[-LINES_SHOWN:]])
        if not results:
            return [(self.name, "passed" if status == 0 else "failed",
                     last_words)]
        # A program that dies after its last good case must not pass.
        failed = any(verdict == "failed" for _, verdict, _ in results)
        if planned not in (None, len(results)) or \
                (status != 0 and not failed):
            results.append((f"{self.name}/ends_well", "failed", last_words))
        return results


class Snapshot:
    """Freezes one machine, for the boots to come. No case by itself."""

    def __init__(self, lab, shape):
        self.name = f"snapshot.{shape.name}"
        self._lab = lab
        self._shape = shape

    def run(self):
        """Nothing, unless the machine cannot be frozen."""
        self._lab.snapshots.get(self._shape)
        return []


class Boot:
    """One scenario. The files of a failed one are kept in build/."""

    def __init__(self, lab, scenario):
        self.name = f"boot.{scenario.name}"
        self.scenario = scenario
        self._lab = lab

    def listing(self):
        """The scenario's cases."""
        return [f"boot.{case}" for case in self.scenario.cases]

    def run(self):
        """[(case, verdict, text)]"""
        folder = self._lab.scratch / self.scenario.name
        results = self.scenario.run(self._lab, folder)
        kept = self._lab.build / "boot-failures" / self.scenario.name
        shutil.rmtree(kept, ignore_errors=True)
        files = ""
        if any(verdict == "failed" for _, verdict, _ in results):
            files = f"\nfiles: {kept}"
            kept.parent.mkdir(exist_ok=True)
            shutil.move(folder, kept)
        shutil.rmtree(folder, ignore_errors=True)
        return [(f"boot.{case}", verdict, text + (text and files))
                for case, verdict, text in results]


class Durations:
    """How long each job took the last time, so that slow ones go first."""

    def __init__(self, path):
        self._path = path
        try:
            self._known = json.loads(path.read_text())
        except (OSError, ValueError):
            self._known = {}

    def of(self, job):
        """Unknown jobs count as slow."""
        return self._known.get(job.name, float("inf"))

    def note(self, job, seconds):
        """Remembers, for the next run."""
        self._known[job.name] = round(seconds, 2)

    def save(self):
        """Writes them down."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._known, indent=0,
                                         sort_keys=True))


class Runner:
    """One queue, some workers, results as they come."""

    def __init__(self, jobs, durations):
        self._waiting = queue.SimpleQueue()
        for job in jobs:
            self._waiting.put(job)
        self._results = queue.SimpleQueue()
        self._durations = durations
        self.ended = threading.Event()

    def _work(self):
        while not self.ended.is_set():
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                break
            begin = time.monotonic()
            try:
                results = job.run()
            except Exception as error:  # pylint: disable=broad-except
                results = [(job.name, "failed",
                            f"{type(error).__name__}: {error}")]
            self._durations.note(job, time.monotonic() - begin)
            for result in results:
                self._results.put(result)
        self._results.put(None)

    def run(self, workers):
        """Yields each result; stops early when `ended` is set."""
        threads = [threading.Thread(target=self._work)
                   for _ in range(workers)]
        for thread in threads:
            thread.start()
        running = len(threads)
        while running:
            result = self._results.get()
            if result is None:
                running -= 1
            elif not self.ended.is_set():
                yield result
        for thread in threads:
            thread.join()


class Tally:
    """Prints results and counts them."""

    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self._strict = os.environ.get("CI") == "true"
        self._number = 0

    def add(self, name, verdict, text):
        """One case. In CI a skipped test is a test that did not run."""
        if verdict == "skipped" and self._strict:
            verdict, text = "failed", "skipped, and CI=true\n" + text
        self.counts[verdict] += 1
        self._number += 1
        print("not ok" if verdict == "failed" else "ok", self._number,
              name + (" # SKIP" if verdict == "skipped" else ""))
        if verdict == "failed":
            for line in text.splitlines():
                print("#", line)
        sys.stdout.flush()

    def close(self):
        """The last line; whether the run was good."""
        print(f"1..{self._number}")
        print(", ".join(f"{count} {verdict}"
                        for verdict, count in self.counts.items()))
        return self._number > 0 and self.counts["failed"] == 0


def unit_name(path):
    """build/check-clang/test_region -> unit.clang.test_region"""
    return f"unit.{path.parent.name.removeprefix('check-')}.{path.name}"


def collect(arguments, lab):
    """Every job that the command line asks for."""
    jobs = [Program(unit_name(path), path.resolve())
            for path in map(Path, arguments.programs)]
    jobs += [Program(f"lint.{path.stem}", path)
             for path in sorted(TESTS.glob("lint/test_*"))
             if os.access(path, os.X_OK)]
    jobs.append(Program("boot.selfcheck", TESTS / "boot/selfcheck.py"))
    if not arguments.no_boot:
        jobs += [Boot(lab, scenario) for scenario in cases.scenarios()]
    if arguments.only:
        jobs = [job for job in jobs
                if any(arguments.only in name for name in job.listing())]
    return jobs


def with_snapshots(lab, jobs):
    """The jobs, behind what makes the snapshots that they lack."""
    shapes = sorted({name for job in jobs if isinstance(job, Boot)
                     for name in job.scenario.machines()})
    return [Snapshot(lab, machine.MACHINES[name]) for name in shapes
            if not lab.snapshots.is_made(machine.MACHINES[name])] + jobs


def build_for(jobs, build):
    """Makes the programs that the boots among these jobs start; whether
    that worked."""
    if not any(isinstance(job, Boot) for job in jobs):
        return True
    return subprocess.run(
        ["make", "--no-print-directory", "-C", TESTS.parent,
         f"BUILD={build}", "boot-programs"],
        stdout=sys.stderr, check=False).returncode == 0


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", nargs="*", help="unit test programs")
    parser.add_argument("--only", metavar="PART", help="jobs with a case "
                        "that has PART in its name")
    parser.add_argument("--list", action="store_true",
                        help="print what would run")
    parser.add_argument("--no-boot", action="store_true",
                        help="no boot tests")
    parser.add_argument("--build", default="build", metavar="DIR")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    return parser.parse_args()


def main():
    """The exit status."""
    arguments = parse_arguments()
    build = Path(arguments.build)
    lab = boot.Lab(build, build / "scratch" / str(os.getpid()))
    jobs = collect(arguments, lab)
    if arguments.list:
        for job in jobs:
            print("\n".join(job.listing()))
        return 0
    if arguments.only and not jobs:
        print(f"run.py: no case here has {arguments.only} in its name: "
              "--list shows them; make check-one runs a unit test",
              file=sys.stderr)
        return 1
    if arguments.only and not build_for(jobs, arguments.build):
        return 1
    durations = Durations(build / "test-durations.json")
    jobs.sort(key=durations.of, reverse=True)
    runner = Runner(with_snapshots(lab, jobs), durations)

    def end(*_):
        runner.ended.set()
        guest.LIVING.end_all()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    tally = Tally()
    try:
        for result in runner.run(arguments.jobs):
            tally.add(*result)
    finally:
        lab.close()
    if runner.ended.is_set():
        print("interrupted")
        return 130
    durations.save()
    return 0 if tally.close() else 1


if __name__ == "__main__":
    sys.exit(main())

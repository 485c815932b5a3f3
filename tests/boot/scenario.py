# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario: one boot (or two), and the test cases that look at it."""

import traceback
from dataclasses import dataclass, field

from . import boot, qmp, records, translations
from .checks import CheckFailed

LOG_LINES_SHOWN = 25


@dataclass
class Scenario:
    """`boots` are keyword arguments of boot.Request, a dict for each boot.
    `prepare(lab, folder)` may make an application other than the shipped
    one; `steps(guest, notes)` may talk to the guest."""

    name: str
    boots: tuple
    checks: tuple
    steps: object = None
    prepare: object = None
    cases: list = field(init=False)

    def __post_init__(self):
        self.cases = [f"{self.name}/{check.__name__}"
                      for check in self.checks]

    def machines(self):
        """The shapes whose snapshots it needs."""
        return [request["machine"] for request in self.boots
                if not request.get("cold")]

    def run(self, lab, folder):
        """[(case, None or what was wrong)], one for each check."""
        try:
            outcomes = self._boot(lab, folder)
        except Exception:  # pylint: disable=broad-except
            wrong = traceback.format_exc()
            return [(case, wrong) for case in self.cases]
        results = [(case, _wrong(check, outcomes))
                   for case, check in zip(self.cases, self.checks)]
        for number, (case, wrong) in enumerate(results):
            if wrong:
                results[number] = case, wrong + _last_words(outcomes[-1])
                break
        return results

    def _boot(self, lab, folder):
        app = self.prepare(lab, folder) if self.prepare else lab.app
        outcomes = []
        for number, request in enumerate(self.boots):
            outcomes.append(lab.run(boot.Request(app=app, **request),
                                    folder / str(number), self.steps))
        return outcomes


def _wrong(check, outcomes):
    try:
        check(*outcomes)
    except (CheckFailed, records.BadRecord, translations.Strange,
            qmp.QmpError) as failed:
        return f"{type(failed).__name__}: {failed}"
    except Exception:  # pylint: disable=broad-except
        return traceback.format_exc()
    return None


def _last_words(outcome):
    lines = outcome.serial.splitlines()[-LOG_LINES_SHOWN:]
    return "\n".join(["", f"the boot: {outcome.verdict}; serial ended with:",
                      *("| " + line[:200] for line in lines)])

# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario: one boot (or two), and the test cases that look at it."""

import traceback
from dataclasses import dataclass, field

from . import boot, qmp, records, translations
from .checks import CheckFailed

LOG_LINES_SHOWN = 25


@dataclass
class Scenario:
    """`boots` are keyword arguments of boot.Request, a dict for each boot;
    a value that has to be made is a function (lab, folder). `steps(guest,
    notes)` may talk to the guest. `lacks()` says what this host does not
    have for it, if anything."""

    name: str
    boots: tuple
    checks: tuple
    steps: object = None
    lacks: object = None
    cases: list = field(init=False)

    def __post_init__(self):
        self.cases = [f"{self.name}/{check.__name__}"
                      for check in self.checks]

    def machines(self):
        """The shapes whose snapshots it needs."""
        return [request["machine"] for request in self.boots
                if not request.get("cold")]

    def run(self, lab, folder):
        """[(case, verdict, text)], one for each check."""
        lack = self.lacks() if self.lacks else None
        if lack:
            return [(case, "skipped", lack) for case in self.cases]
        try:
            outcomes = self._boot(lab, folder)
        except Exception:  # pylint: disable=broad-except
            wrong = traceback.format_exc()
            return [(case, "failed", wrong) for case in self.cases]
        results, last_words = [], _last_words(outcomes[-1])
        for case, check in zip(self.cases, self.checks):
            wrong = _wrong(check, outcomes)
            if wrong:
                results.append((case, "failed", wrong + last_words))
                last_words = ""
            else:
                results.append((case, "passed", ""))
        return results

    def _boot(self, lab, folder):
        outcomes = []
        for number, request in enumerate(self.boots):
            place = folder / str(number)
            place.mkdir(parents=True)
            values = {key: value(lab, place) if callable(value) else value
                      for key, value in {"app": lab.app, **request}.items()}
            outcomes.append(lab.run(boot.Request(**values), place,
                                    self.steps))
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

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The findings that today's tree still has, which may only become fewer.

A line of allowed.txt is `check path key count`: that check finds that key
(a word, a symbol, an include) that often in that file. More findings than
that are reported, all of them; a line that is not needed in full is an error.
`scripts/lint/run --shrink` writes the file anew. It lets an entry move to
another file, and lets no key of a check become more frequent.
"""

import collections

import tree

LIST = "scripts/lint/allowed.txt"


def read():
    """{(check, path, key): (line, count)}"""
    entries = {}
    if not (tree.ROOT / LIST).is_file():
        return entries
    for number, line in enumerate(tree.read(LIST).split("\n"), 1):
        if line and not line.startswith("#"):
            check, path, key, count = line.split()
            entries[check, path, key] = number, int(count)
    return entries


def group(check, findings):
    groups = collections.defaultdict(list)
    for finding in findings:
        groups[check, finding.path, finding.key].append(finding)
    return groups


def subtract(check, findings, paths):
    """Yields what is not allowed, and what is allowed in vain."""
    entries = read()
    groups = group(check, findings)
    for place, found in groups.items():
        if len(found) > entries.get(place, (0, 0))[1]:
            yield from found
    for place, (line, count) in entries.items():
        if place[0] != check or (place[1] not in paths and
                                 (tree.ROOT / place[1]).exists()):
            continue
        if len(groups.get(place, ())) < count:
            yield tree.Finding(LIST, line, "allowed", "%s %s %s is found %d "
                               "times only: scripts/lint/run --shrink" %
                               (*place, len(groups.get(place, ()))))


def totals(counts):
    sums = collections.Counter()
    for (check, _, key), count in counts.items():
        sums[check, key] += count
    return sums


def shrink(checks):
    """Writes the list anew from {check: findings}; yields what grew."""
    before = {place: count for place, (_, count) in read().items()}
    after = {place: count for place, count in before.items()
             if place[0] not in checks}
    for check, findings in checks.items():
        for place, found in group(check, findings).items():
            after[place] = len(found)
    limit = totals(before)
    grown = {pair for pair, count in totals(after).items()
             if count > limit[pair]}
    for place in sorted(after):
        had = before.get(place, 0)
        if (place[0], place[2]) in grown and after[place] > had:
            yield "%s %s %s" % place
            after[place] = had
    head = [line for line in tree.read(LIST).split("\n")
            if line.startswith("#")]
    lines = ["%s %s %s %d" % (*place, count)
             for place, count in sorted(after.items()) if count]
    (tree.ROOT / LIST).write_text("\n".join(head + lines) + "\n",
                                  encoding="utf-8")

# SPDX-License-Identifier: Apache-2.0
"""An audit trail as it lies in its file, read without the product: schema/audit.md says what is where."""
import contextlib
import re
import sqlite3
from pathlib import Path

from .paths import ROOT


def table(name):
    """{number: slug} of schema/nrbac/NAME.def."""
    text = (Path(ROOT) / f"schema/nrbac/{name}.def").read_text()
    return {int(number): slug for number, slug in re.findall(r'\((\d+), \w+, "([a-z-]+)"', text)}


EVENTS, REASONS = table("event"), table("reason")
QUERY = """
select r.seq, r.at, r.event, r.reason, r.generation, a.text as action, r.session, r.message, r.patient, r.detail,
       c.user, c.role_profile, c.role, c.organisation, c.application, c.uid, c.pid, c.who, c.inputs, c.asserted, o.text as obligations,
       hex(p.digest) as policy
from records r left join circumstances c on c.id = r.circumstances
     left join texts a on a.id = r.action left join texts o on o.id = r.obligations left join policies p on p.id = r.policy
order by r.seq"""


def records(path):
    """Every record as a map, with event and reason by their slugs."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as trail:
        trail.row_factory = sqlite3.Row
        rows = [dict(row) for row in trail.execute(QUERY)]
    for row in rows:
        row["event"] = EVENTS[row["event"]]
        row["reason"] = REASONS[row["reason"]]
    return rows


def decisions(path):
    """(event, action, reason) of the records that are decisions."""
    return [(row["event"], row["action"], row["reason"]) for row in records(path)
            if row["event"] in ("evaluate", "check", "open", "recorded")]


def of(path, process):
    """The records of a program."""
    return [row for row in records(path) if row["pid"] == process.pid]


def names(rows):
    return [row["action"] for row in rows]


@contextlib.contextmanager
def locked(path):
    """Holds the lock that a writer needs."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as trail:
        trail.execute("begin immediate")
        yield
        trail.execute("rollback")

# SPDX-License-Identifier: Apache-2.0
"""Measures calls in turns, so that what disturbs the machine disturbs all of them alike."""
import statistics
import time

import bench_empty

import nrbac

ROUNDS, CALLS = 41, 40_000
CHECK = """
def run(calls, ask, argument):
    for _ in calls:
        {body}
"""


def loop(body):
    """A function that does `body` for each of `calls`. Each has code of its own, which the interpreter adapts to what it calls."""
    names = {}
    exec(compile(CHECK.format(body=body), body, "exec"), names)
    return names["run"]


def nanoseconds(run, calls, ask, argument):
    began = time.perf_counter_ns()
    run(range(calls), ask, argument)
    return (time.perf_counter_ns() - began) / calls


def main():
    engine = nrbac.open("dir:policy/national")
    profile = {"id": "1001", "role": "R8000", "organisation": "RBA"}
    session = engine.session({"subject": {"type": "healthcare-worker", "properties": {"profile": profile}}})
    names = [engine.prepare(code) for code in session.answer["activities"][:16]]
    assert len(names) == 16 and all(session.check_many(names)) and session.check("B0820")
    measured = {
        "nothing at all": (loop("pass"), CALLS, None, None),
        "empty native call": (loop("ask.empty(argument)"), CALLS, bench_empty.Session(), names[0]),
        "prepared check": (loop("ask.check(argument)"), CALLS, session, names[0]),
        "check by text": (loop("ask.check(argument)"), CALLS, session, "B0820"),
        "check_many of 16": (loop("ask.check_many(argument)"), CALLS // 16, session, names),
    }
    rounds = {what: [] for what in measured}
    for number in range(ROUNDS + 1):
        for what, one in measured.items():
            taken = nanoseconds(*one)
            if number > 0:  # the first warms up
                rounds[what].append(taken)
    for what, taken in rounds.items():
        print("python", what, *(f"{one:.2f}" for one in (statistics.median(taken), min(taken), max(taken))), sep="\t")


main()

# SPDX-License-Identifier: Apache-2.0
"""Several threads serve connections (--threads), and nobody can tell, but by the time that it takes."""
import os
import select
import signal
import threading
from pathlib import Path

import pytest
from support.policy import text_of
from support.requests import neutral
from support.rpc import error_or_closed, until
from support.small import SMALL

THREADS = 4
CLIENTS = 12
MORE = SMALL + "  - { roles: [R8000], activities: [B0015] }\n"


@pytest.fixture
def served(policy, daemons):
    served = policy(SMALL)
    running = daemons.start(served.path, "--threads", THREADS)
    running.policy = served
    return running


def thread_count(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/task"))


def rewrite(daemon, text):
    (daemon.policy.path / "policy.yaml").write_bytes(text_of(text))


def busy_threads(daemon):
    """How many threads have had some of the processor."""
    times = []
    for task in Path(f"/proc/{daemon.process.pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        times.append(int(fields[11]) + int(fields[12]))
    return sum(time > 0 for time in times)


def keep_asking(client, session, stop, seen):
    while not stop.is_set():
        numbers = [client.post("check", session, "B0820") for _ in range(64)]
        seen.extend(client.wait(number)[0] for number in numbers)


def test_there_are_as_many_threads_as_asked_for_and_all_of_them_serve(served):
    assert thread_count(served) >= THREADS
    clients = [served.client() for _ in range(CLIENTS)]
    stop, seen = threading.Event(), []
    askers = [threading.Thread(target=keep_asking, args=(client, client.open(neutral(None)), stop, seen))
              for client in clients]
    for asker in askers:
        asker.start()
    assert until(lambda: busy_threads(served) >= THREADS, 30)
    stop.set()
    for asker in askers:
        asker.join()
    assert seen and all(seen)


def test_sessions_have_numbers_of_their_own_and_belong_to_their_connection(served):
    clients = [served.client() for _ in range(CLIENTS)]
    numbers = [client.open(neutral(None)) for client in clients for _ in range(3)]
    assert len(set(numbers)) == len(numbers)
    assert clients[1].code_of("check", numbers[0], "B0820") == "unknown-session"


def test_what_is_counted_is_of_all_threads(served):
    clients = [served.client() for _ in range(CLIENTS)]
    sessions = [client.open(neutral(None)) for client in clients]
    for client, session in zip(clients, sessions):
        client.call("check", session, "B0820")
    metrics = clients[0].call("metrics")
    assert metrics["requests"]["check"] == CLIENTS
    assert metrics["sessions_opened"] == metrics["sessions"] == CLIENTS
    assert metrics["connections"] == CLIENTS
    clients[-1].close()
    assert until(lambda: clients[0].call("health")["sessions"] == CLIENTS - 1)


def test_all_who_wait_for_a_reload_are_answered_and_all_decide_by_it(served):
    clients = [served.client() for _ in range(CLIENTS)]
    sessions = [client.open(neutral(None)) for client in clients]
    assert not any(client.call("check", session, "B0015")[0] for client, session in zip(clients, sessions))
    rewrite(served, MORE)
    waiting = [client.post("reload") for client in clients]
    generations = [client.wait(number)["generation"] for client, number in zip(clients, waiting)]
    assert min(generations) >= 2
    for client, session in zip(clients, sessions):
        decision, _, generation, _ = client.call("check", session, "B0015")
        assert decision is True and generation >= 2


def processors_of(task):
    try:
        return frozenset(os.sched_getaffinity(int(task)))
    except ProcessLookupError:
        return None  # it has ended


def test_a_reload_leaves_the_processor_to_the_loop(policy, daemons):
    rules = "".join(f"  f{n}: {{ require: B0820 }}\n" for n in range(3000))
    daemon = daemons.start(policy(SMALL + "functions:\n" + rules).path, "--threads", 1)
    pid = daemon.process.pid
    all_of_them = processors_of(pid)
    client = daemon.client()
    seen = set()
    for _ in range(20):
        number = client.post("reload")
        while not select.select([client.socket], [], [], 0)[0]:
            seen |= {processors_of(task) for task in os.listdir(f"/proc/{pid}/task")} - {all_of_them, None}
        client.wait(number)
    if len(all_of_them) == 1:
        assert seen == set()  # it stays where it is
    else:
        assert {len(processors) for processors in seen} == {len(all_of_them) - 1}


def test_a_revocation_and_the_stop_switch_reach_every_thread(served):
    clients = [served.client() for _ in range(CLIENTS)]
    sessions = [client.open(neutral(None)) for client in clients]
    assert clients[0].call("revoke", {"role_profile": "1001"}) == CLIENTS
    for client, session in zip(clients, sessions):
        assert client.call("check", session, "B0820")[:2] == [False, "session-revoked"]
    others = [client.open(neutral(None)) for client in clients]
    assert clients[3].call("stop", True) is True
    assert {client.call("check", session, "B0820")[1] for client, session in zip(clients, others)} == {"policy-stale"}
    assert clients[4].call("health")["status"] == "stopped"
    clients[5].call("stop", False)
    assert all(client.call("check", session, "B0820")[0] for client, session in zip(clients, others))


def test_the_limit_of_connections_is_for_all_threads_together(policy, daemons):
    daemon = daemons.start(policy(SMALL).path, "--threads", THREADS, "--max-connections", 6)
    clients = [daemon.client()]
    assert until(lambda: clients[0].call("health")["connections"] == 1)
    clients += [daemon.client() for _ in range(5)]
    assert all(client.evaluate(neutral("B0820")).effect == "permit" for client in clients)
    assert error_or_closed(daemon.client()) == "over-limit"
    clients.pop().close()
    assert until(lambda: clients[0].call("health")["connections"] == 5)
    assert daemon.client().evaluate(neutral("B0820")).effect == "permit"


def test_sigterm_answers_what_every_thread_has_read(served):
    clients = [served.client() for _ in range(CLIENTS)]
    sessions = [client.open(neutral(None)) for client in clients]
    asked = [[client.post("check", session, "B0820") for _ in range(200)] for client, session in zip(clients, sessions)]
    for client, numbers in zip(clients, asked):
        assert client.wait(numbers[-1])[0] is True  # all was read
    served.signal(signal.SIGTERM)
    assert all(client.wait(number)[0] is True for client, numbers in zip(clients, asked) for number in numbers[:-1])
    assert served.wait() == 0
    assert not served.socket.exists()


def test_threads_check_while_policies_come_and_sessions_go(served):
    """What a thread sanitizer is to look at."""
    clients = [served.client() for _ in range(8)]
    stop, wrong = threading.Event(), []

    def churn(client):
        while not stop.is_set():
            session = client.open(neutral(None))
            answers = client.call("check_many", session, ["B0820", "B0825", "B0015"])
            if not (answers[0][0] and answers[1][0]) or len({row[2] for row in answers}) != 1:
                wrong.append(answers)
            client.call("metrics")
            client.call("close", session)

    askers = [threading.Thread(target=churn, args=(client,)) for client in clients]
    for asker in askers:
        asker.start()
    control = served.client(timeout=60)
    for turn in range(30):
        rewrite(served, MORE if turn % 2 == 0 else SMALL)
        control.call("reload")
        control.call("revoke", {"sid": "nobody"})
    stop.set()
    for asker in askers:
        asker.join()
    assert not wrong
    assert served.stop() == 0


@pytest.mark.parametrize("number", ["0", "65", "x", "-1"])
def test_a_number_of_threads_that_cannot_be_is_wrong_usage(policy, daemons, number):
    status, said = daemons.refused("--policy", policy(SMALL).path, "--socket", daemons.new_path(), "--unsafe-no-audit",
                                   "--threads", number)
    assert status == 2
    assert "--threads" in said


def test_the_configuration_says_it_too(policy, daemons, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("threads: 3\n")
    daemon = daemons.start(policy(SMALL).path, "--config", config)
    assert thread_count(daemon) >= 3

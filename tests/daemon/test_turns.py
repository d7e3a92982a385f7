# SPDX-License-Identifier: Apache-2.0
"""One connection that has much to be answered does not hold the others up."""
import threading
import time

import msgpack
import pytest
from support.evidence import Served, id_token, to_function, userinfo, worker
from support.requests import neutral

OTHERS = 8
MESSAGES = 400          # that each of the others sends in one go
LONGEST = 0.4           # seconds that a check may take beside them: a turn takes milliseconds, some more where sanitizers slow it


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path)


def flood(client, messages):
    """Sends for ever, until the connection is closed."""
    try:
        while True:
            client.socket.sendall(messages)
    except OSError:
        pass


def swallow(client):
    try:
        while client.socket.recv(1 << 20):
            pass
    except OSError:
        pass


def test_signatures_that_others_have_checked_do_not_hold_a_check_up(served, daemons):
    daemon = served.start(daemons)
    whole = to_function(user=worker(id_token(), userinfo()))
    messages = b"".join(msgpack.packb([0, number, "evaluate", [whole]]) for number in range(MESSAGES))
    with daemon.client() as client:
        assert client.evaluate(whole)["context"]["evidence"]["user"] == "verified"
        session = client.open(neutral("B0820"))
        for other in [daemon.client(timeout=None) for _ in range(OTHERS)]:
            threading.Thread(target=flood, args=(other, messages), daemon=True).start()
            threading.Thread(target=swallow, args=(other,), daemon=True).start()
        time.sleep(0.2)
        took = []
        for _ in range(20):
            began = time.monotonic()
            assert client.call("check", session, "B0820")[0] is True
            took.append(time.monotonic() - began)
    print(f"{max(took) * 1e3:.1f} ms at most")
    assert max(took) < LONGEST

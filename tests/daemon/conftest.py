# SPDX-License-Identifier: Apache-2.0
"""One question asked in two ways: of the command, and over the socket of a daemon that serves the module's tests."""
import pytest
from support.evidence import Asker, Served


@pytest.fixture(scope="module")
def asker(tmp_path_factory):
    made = Asker(Served(tmp_path_factory.mktemp("evidence")))
    yield made
    made.end()


@pytest.fixture(params=["by_command", "by_socket"])
def ask(request, asker):
    return getattr(asker, request.param)

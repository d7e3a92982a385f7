# SPDX-License-Identifier: Apache-2.0
"""The shared table in a folder, for programs that share it and no socket."""
import os
import shutil
import signal
import stat
import time

import pytest
from support.attached import NOISE, SOON, Attached
from support.policy import text_of
from support.requests import neutral
from support.rpc import until
from support.small import SMALL

MORE = SMALL + "  - { roles: [R8000], activities: [B0015] }\n"


@pytest.fixture
def source(policy):
    return policy(SMALL)


@pytest.fixture
def folder(daemons):
    return daemons.folder / "table"


@pytest.fixture
def served(daemons, source, folder):
    return daemons.start(source.path, "--publish-to", folder, "--stale-seconds", 2)


@pytest.fixture
def program(served, folder):
    with Attached(f"file:{folder}") as running:
        yield running
        assert running.end() == 0


def publish(source, served, text):
    (source.path / "policy.yaml").write_bytes(text_of(text))
    return served.client().call("reload")["generation"]


def test_the_files_are_for_everybody_to_read_and_nobody_else_to_write(daemons, source, folder):
    before = os.umask(0o077)
    try:
        daemons.start(source.path, "--publish-to", folder)
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {"image": 0o644, "status": 0o644, ".lock": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert (folder / "status").stat().st_size == 36864


def test_a_program_decides_on_the_folder_and_sees_what_happens(source, served, program):
    session, meant = program.session(), program.session(sub="user-1")
    assert program.check(session, "B0820") == (True, "granted-by-baseline", 1)
    assert program.check(session, "B0015") == (False, "not-granted", 1)
    assert publish(source, served, MORE) == 2
    assert program.seconds_until(time.monotonic(), "generation-is 2") < SOON + NOISE
    assert program.check(session, "B0015") == (True, "granted-by-baseline", 2)
    served.client().call("revoke", {"sub": "user-1"})
    assert program.seconds_until(time.monotonic(), f"until {meant} B0820 session-revoked") < SOON + NOISE
    served.client().call("stop", True)
    assert program.seconds_until(time.monotonic(), f"until {session} B0820 policy-stale") < SOON + NOISE
    served.client().call("stop", False)
    assert program.seconds_until(time.monotonic(), f"until {session} B0820 granted-by-baseline") < SOON + NOISE


def test_a_daemon_that_dies_is_outlived_until_the_deadline_and_found_again(daemons, source, served, program, folder):
    session, meant = program.session(), program.session(sub="user-1")
    time.sleep(3)
    assert program.check(session, "B0820")[0] is True, "the heart beats in the folder too"
    died = time.monotonic()
    served.process.kill()
    served.wait()
    assert 1.4 < program.seconds_until(died, f"until {session} B0820 policy-stale") < 2 + SOON + NOISE
    (source.path / "policy.yaml").write_bytes(text_of(MORE))
    again = daemons.start(source.path, "--publish-to", folder, "--stale-seconds", 2)
    assert program.seconds_until(time.monotonic(), f"until {session} B0015 granted-by-baseline") < SOON + NOISE
    again.client().call("revoke", {"sub": "user-1"})
    assert program.seconds_until(time.monotonic(), f"until {meant} B0820 session-revoked") < SOON + NOISE


def revoke_and_die(served, subject):
    assert served.client().call("revoke", {"sub": subject}) is not None
    served.process.kill()
    served.wait()


def test_what_a_daemon_revoked_at_the_last_moment_is_seen_behind_its_successor(daemons, source, served, program, folder):
    """The program does not look while one daemon revokes, dies, and has a successor."""
    session, meant = program.session(), program.session(sub="user-1")
    program.process.send_signal(signal.SIGSTOP)
    revoke_and_die(served, "user-1")
    again = daemons.start(source.path, "--publish-to", folder, "--stale-seconds", 2)
    program.process.send_signal(signal.SIGCONT)
    assert program.tell(f"until {meant} B0820 session-revoked") != "never"
    assert program.check(session, "B0820")[0] is True, "nobody else is ended"
    other = program.session(sub="user-2")
    again.client().call("revoke", {"sub": "user-2"})
    assert program.tell(f"until {other} B0820 session-revoked") != "never"
    assert program.check(session, "B0820")[0] is True


@pytest.mark.parametrize("between", ["a daemon comes and goes", "its last words are lost", "its status is spoilt"])
def test_who_cannot_know_what_was_revoked_meanwhile_ends_every_session(daemons, source, served, program, folder, between):
    session = program.session()
    program.process.send_signal(signal.SIGSTOP)
    revoke_and_die(served, "user-1")
    if between == "a daemon comes and goes":
        revoke_and_die(daemons.start(source.path, "--publish-to", folder, "--stale-seconds", 2), "user-1")
    elif between == "its status is spoilt":
        (folder / "status").write_bytes(b"x" * 36864)
    daemons.start(source.path, "--publish-to", folder, "--stale-seconds", 2)
    if between == "its last words are lost":
        (folder / "before").unlink()
    assert (folder / "before").exists() is (between == "a daemon comes and goes")
    program.process.send_signal(signal.SIGCONT)
    assert program.tell(f"until {session} B0820 session-revoked") != "never"
    assert program.check(program.session(), "B0820")[0] is True


def test_a_revocation_that_cannot_be_written_is_not_lost_with_its_daemon(daemons, source, served, program, folder):
    meant = program.session(sub="user-1")
    (folder / ".aside" / "in-the-way").mkdir(parents=True)
    revoke_and_die(served, "user-1")
    assert not (folder / "status").exists(), "it would tell too little"
    shutil.rmtree(folder / ".aside")
    daemons.start(source.path, "--publish-to", folder, "--stale-seconds", 2)
    assert program.tell(f"until {meant} B0820 session-revoked") != "never"


def test_nobody_can_take_the_table_from_under_a_decision(served, program, folder):
    """Whoever may write to the folder can spoil it; then decisions are stale, and never torn or a crash."""
    session = program.session()
    os.truncate(folder / "image", 0)
    assert program.check(session, "B0820")[0] is True, "it is a copy that is decided on"
    served.signal(signal.SIGSTOP)
    for spoil in (lambda: os.truncate(folder / "status", 100), lambda: (folder / "status").write_bytes(b"x" * 36864),
                  lambda: (folder / "status").unlink(), lambda: shutil.rmtree(folder)):
        spoil()
        time.sleep(0.1)
        program.check(session, "B0820")
    assert program.tell(f"until {session} B0820 policy-stale") != "never"
    served.signal(signal.SIGCONT)


def test_a_folder_that_cannot_be_written_is_told_of_and_written_again_when_it_can_be(source, served, program, folder):
    session = program.session()
    (folder / ".aside" / "in-the-way").mkdir(parents=True)
    assert publish(source, served, MORE) == 2
    assert served.client().evaluate(neutral("B0015")).effect == "permit", "the daemon itself goes on"
    assert program.tell(f"until {session} B0820 policy-stale") != "never", "nobody is left on the old policy"
    assert "cannot publish" in served.stderr
    shutil.rmtree(folder / ".aside")
    assert program.tell(f"until {session} B0015 granted-by-baseline") != "never"
    assert "again" in served.stderr


def test_two_daemons_do_not_publish_to_one_folder(daemons, source, served, folder):
    status, said = daemons.refused("--policy", source.path, "--socket", daemons.new_path(), "--unsafe-no-audit", "--publish-to", folder)
    assert status == 3 and "another daemon" in said


def test_a_folder_that_cannot_be_made_is_refused(daemons, source):
    status, said = daemons.refused("--policy", source.path, "--socket", daemons.new_path(), "--unsafe-no-audit", "--publish-to", "/nowhere/at/all")
    assert status == 3 and "/nowhere/at/all" in said


def test_what_a_daemon_left_behind_is_in_nobodys_way(daemons, source, folder):
    folder.mkdir()
    (folder / ".aside").write_bytes(b"half a file")
    daemons.start(source.path, "--publish-to", folder)
    with Attached(f"file:{folder}") as program:
        assert program.check(program.session(), "B0820")[0] is True


@pytest.mark.parametrize("missing", ["status", "image", None])
def test_a_folder_without_a_table_is_refused_in_words(served, folder, missing):
    if missing:
        served.signal(signal.SIGSTOP)
        (folder / missing).unlink()
    with Attached() as program:
        said = program.tell(f"open file:{folder if missing else folder / 'nothing'}")
        assert said.startswith("failed 2 ") and (missing or "nothing") in said
    served.signal(signal.SIGCONT)


def test_an_old_table_is_opened_and_not_believed(daemons, source, served, folder):
    """It may have outlived its daemon, and the machine's last start."""
    served.process.kill()
    served.wait()
    time.sleep(2.2)
    with Attached() as program:
        assert program.tell(f"open file:{folder}") == "ok 1"
        assert program.tell("session - - - R8000") == "-1 policy-stale"
        daemons.start(source.path, "--publish-to", folder)
        assert until(lambda: program.tell("session - - - R8000").endswith(" opened"), seconds=2)

# SPDX-License-Identifier: Apache-2.0
"""Hostile policy text ends in a diagnostic, with status 1, soon, and never by a signal."""
import json
import os
import resource
import subprocess
import tempfile
import threading

import pytest
from support.command import run
from support.daemon import ROOM
from support.paths import NRBAC
from support.policy import HEADER
from support.small import SMALL

SECONDS = 5
MEGABYTES = 1024 * ROOM


def bomb():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return HEADER + "\n".join(lines) + "\n"


HOSTILE = {
    "an alias bomb": bomb(),
    "flow lists of depth 100,000": HEADER + "activities: " + "[" * 100000 + "\n",
    "closed flow lists of depth 100,000": HEADER + "activities: " + "[" * 100000 + "]" * 100000 + "\n",
    "flow mappings of depth 100,000": HEADER + "activities: " + "{a: " * 100000 + "\n",
    "block lists of depth 10,000": HEADER + "activities:\n" + "- " * 10000 + "x\n",
    "block mappings of depth 2,000": HEADER + "".join(" " * n + "a:\n" for n in range(2000)),
    "a requirement of depth 50,000": HEADER + "functions:\n  f: { require: " + "{ all: [" * 50000 + "B0001" + "] }" * 50000 + " }\n",
    "a scalar of 10 MB": HEADER + "activities:\n  B0001: { name: " + "x" * (10 << 20) + " }\n",
    "a quoted scalar of 10 MB": HEADER + 'activities:\n  B0001: { name: "' + "x" * (10 << 20) + '" }\n',
    "a key of 10 MB": HEADER + "x" * (10 << 20) + ": 1\n",
    "invalid UTF-8": HEADER.encode() + b"activities:\n  B0001: { name: \"\xff\xfe\xc3\x28\" }\n",
    "an overlong encoding": HEADER.encode() + b"activities:\n  B0001: { name: \"\xc0\xaf\" }\n",
    "a surrogate": HEADER.encode() + b"activities:\n  B0001: { name: \"\xed\xa0\x80\" }\n",
    "a NUL byte": HEADER.encode() + b"activities:\n  B0001: { name: a\x00b }\n",
    "an escaped NUL": HEADER + 'activities:\n  B0001: { name: "a\\0b" }\n',
    "control characters": HEADER.encode() + b"activities:\n  B0001: { name: \"a\x07\x1b[31mb\" }\n",
    "a duplicate key": HEADER + "activities:\n  B0001: { name: One }\n  B0001: { name: Two }\n",
    "a duplicate key at the top": HEADER + "activities: {}\nactivities: {}\n",
    "a duplicate key in an entry": HEADER + "activities:\n  B0001: { name: One, name: Two }\n",
    "a tab as indentation": HEADER + "activities:\n\tB0001: { name: One }\n",
    "an anchor and an alias": HEADER + "activities:\n  B0001: &one { name: One }\n  B0002: *one\n",
    "an alias of nothing": HEADER + "activities:\n  B0001: *nothing\n",
    "an alias of itself": HEADER + "activities: &a\n  B0001: *a\n",
    "a merge key": HEADER + "activities:\n  B0001: { name: One }\n  <<: { B0002: { name: Two } }\n",
    "a tag": HEADER + "activities:\n  B0001: !!python/object/apply:os.system [\"true\"]\n",
    "a tag on a name": HEADER + "activities:\n  B0001: { name: !!binary aGVsbG8= }\n",
    "several documents": HEADER + "---\nnrbac: 1\nactivities: {}\n",
    "an unclosed flow": HEADER + "activities: { B0001: { name: One }\n",
    "an unclosed quote": HEADER + 'activities:\n  B0001: { name: "One }\n',
    "a scalar as a policy": "just text\n",
    "a list as a policy": "- nrbac: 1\n",
    "null everywhere": HEADER + "activities:\n  B0001: { name: One, includes: [~] }\n",
    "a complex key": HEADER + "? [a, b]\n: 1\n",
    "a random byte string": bytes((n * 167 + 13) % 256 for n in range(4096)),
    "a version beyond all numbers": "nrbac: " + "9" * 5000 + "\n",
    "percent signs": HEADER + "%s%n%s%n: %n%n\n",
    "a name of 10,000 lines": HEADER + "x: |\n" + "  %s%n\n" * 10000,
}


class Ended:
    """How a command ended, what it said, and what it cost."""

    def __init__(self, process, usage, stdout, stderr):
        self.returncode = process.returncode
        self.stdout = stdout
        self.stderr = stderr
        self.seconds = usage.ru_utime + usage.ru_stime
        self.megabytes = usage.ru_maxrss / 1024


def validate_within_bounds(path, *options):
    """Runs `validate` and measures that process alone; more than 30 s of processor time end it by a signal."""
    def bound():
        resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen([str(NRBAC), "validate", str(path), *options], stdout=out, stderr=err,
                                   stdin=subprocess.DEVNULL, preexec_fn=bound)
        timer = threading.Timer(60, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        ended = Ended(process, usage, out.read(), err.read())
    print(f"status {ended.returncode}, {ended.seconds:.2f} s, {ended.megabytes:.0f} MB")
    print(ended.stdout.decode(errors="replace")[:3000], ended.stderr.decode(errors="replace")[:3000])
    assert ended.seconds < SECONDS
    assert ended.megabytes < MEGABYTES
    return ended


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_ends_in_a_diagnostic(tmp_path, what):
    directory = tmp_path / "policy"
    directory.mkdir()
    content = HOSTILE[what]
    (directory / "policy.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    result = validate_within_bounds(directory)
    assert result.returncode == 1
    said = result.stdout + result.stderr
    assert b"policy.yaml:" in said and b"error[P" in said
    assert len(said) < 1 << 20, "the diagnostics of one mistake fit on a few screens"


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("form", ["json", "sarif"])
def test_hostile_text_is_reported_as_sound_json(tmp_path, what, form):
    directory = tmp_path / "policy"
    directory.mkdir()
    content = HOSTILE[what]
    (directory / "policy.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    result = validate_within_bounds(directory, "--format", form)
    assert result.returncode == 1
    json.loads(result.stdout.decode("utf-8"))


def test_diagnostics_do_not_pass_terminal_escapes_on(tmp_path):
    directory = tmp_path / "policy"
    directory.mkdir()
    (directory / "policy.yaml").write_bytes(HOSTILE["control characters"])
    result = validate_within_bounds(directory)
    assert b"\x1b[31mb" not in result.stdout + result.stderr


EXTENDING = 'nrbac: 1\npolicy: {{ name: x, version: "1", provenance: local, extends: [{}] }}\n'


def test_extending_in_a_loop_is_a_mistake_with_a_place(policy):
    loop = policy({"a/policy.yaml": EXTENDING.format("../b"), "b/policy.yaml": EXTENDING.format("../a")})
    result = run("validate", loop.path / "a")
    assert result.status == 1
    assert "error[P" in result.all and "policy.yaml:2:" in result.all


def test_extending_itself_is_a_mistake(policy):
    loop = policy({"a/policy.yaml": EXTENDING.format(".")})
    result = run("validate", loop.path / "a")
    assert result.status == 1
    assert "error[P" in result.all


def test_extending_what_is_not_there_is_a_mistake_with_a_place(policy):
    missing = policy({"a/policy.yaml": EXTENDING.format("../nowhere")})
    result = run("validate", missing.path / "a")
    assert result.status == 1
    assert "policy.yaml:2:" in result.all and "nowhere" in result.all


def test_extending_may_leave_the_directory_but_not_the_policy_root(policy):
    both = policy({"root/local/policy.yaml": EXTENDING.format("../../outside"), "outside/policy.yaml": SMALL})
    assert run("validate", both.path / "root" / "local").status == 0
    assert run("validate", both.path / "root" / "local", "--policy-root", both.path).status == 0
    refused = run("validate", both.path / "root" / "local", "--policy-root", both.path / "root")
    assert refused.status == 1
    assert "error[P" in refused.all


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "other.txt", "."])
def test_a_symbolic_link_is_a_mistake(policy, target):
    linked = policy({"policy.yaml": SMALL, "other.txt": "nrbac: 1\n"})
    os.symlink(target, linked.path / "linked.yaml")
    result = validate_within_bounds(linked.path)
    assert result.returncode == 1
    said = result.stdout + result.stderr
    assert b"linked.yaml" in said and b"error[P" in said


def test_a_linked_directory_is_a_mistake(policy, tmp_path):
    linked = policy({"policy.yaml": SMALL})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.yaml").write_text("nrbac: 1\nactivities: {}\n")
    os.symlink(tmp_path / "elsewhere", linked.path / "linked")
    result = validate_within_bounds(linked.path)
    assert result.returncode == 1
    assert b"linked" in result.stdout + result.stderr


def test_a_fifo_is_a_mistake_and_not_waited_for(policy):
    piped = policy({"policy.yaml": SMALL})
    os.mkfifo(piped.path / "piped.yaml")
    result = validate_within_bounds(piped.path)
    assert result.returncode == 1
    assert b"piped.yaml" in result.stdout + result.stderr


def test_a_directory_named_like_a_file_is_no_crash(policy):
    odd = policy({"policy.yaml": SMALL, "odd.yaml/inner.yaml": "nrbac: 1\nactivities: {}\n"})
    result = validate_within_bounds(odd.path)
    assert result.returncode in (0, 1)


def test_a_deep_tree_of_directories_is_no_crash(policy):
    deep = policy({"policy.yaml": SMALL, "/".join(["d"] * 200) + "/x.yaml": "nrbac: 1\nactivities: {}\n"}, show=False)
    result = validate_within_bounds(deep.path)
    assert result.returncode in (0, 1)


def test_many_mistakes_are_bounded(policy):
    text = SMALL + "".join(f"  - {{ roles: [R{n:04}], activities: [B{n:04}] }}\n" for n in range(1000, 9000))
    many = policy(text, show=False)
    result = validate_within_bounds(many.path)
    assert result.returncode == 1

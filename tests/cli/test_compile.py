# SPDX-License-Identifier: Apache-2.0
"""`compile` and the compiled policy: the same bytes, the same answers, and nothing broken is ever served."""
import json
import os
import random
import shutil

import pytest
from support.answers import checked
from support.command import run
from support.policy import write
from support.requests import NOW, cis2, neutral, nrbac_role
from support.small import FUNCTIONS, SMALL


@pytest.fixture
def compiled(policy, tmp_path):
    """A policy directory and its image."""
    directory = policy(FUNCTIONS)
    image = tmp_path / "small.nrb"
    assert run("compile", directory.path, "-o", image).status == 0
    return directory, image


def test_compile_writes_one_file_and_nothing_on_stdout(policy, tmp_path):
    (tmp_path / "out").mkdir()
    result = run("compile", policy(SMALL).path, "-o", tmp_path / "out" / "x.nrb")
    assert (result.status, result.out) == (0, "")
    assert os.listdir(tmp_path / "out") == ["x.nrb"]


def test_the_same_input_gives_the_same_bytes(compiled, tmp_path):
    directory, image = compiled
    again = tmp_path / "again.nrb"
    assert run("compile", directory.path, "-o", again).status == 0
    assert again.read_bytes() == image.read_bytes()


def test_the_bytes_do_not_depend_on_where_the_policy_or_the_reader_is(compiled, tmp_path):
    directory, image = compiled
    copy = tmp_path / "quite" / "another" / "place"
    shutil.copytree(directory.path, copy)
    for file in copy.rglob("*"):
        os.utime(file, (1, 1))
    other = tmp_path / "other.nrb"
    assert run("compile", ".", "-o", other, cwd=copy, env={**os.environ, "LC_ALL": "C", "TZ": "Asia/Tokyo"}).status == 0
    assert other.read_bytes() == image.read_bytes()


def test_the_bytes_do_not_depend_on_the_order_in_which_files_were_made(tmp_path):
    files = {"a.yaml": FUNCTIONS, "b/c.yaml": "nrbac: 1\nactivities:\n  B0001: { name: One }\n",
             "d.yaml": "nrbac: 1\nactivities:\n  B0002: { name: Two }\n"}
    images = []
    for number, order in enumerate((list(files), list(reversed(list(files))))):
        directory = write(tmp_path / str(number), {name: files[name] for name in order})
        images.append(tmp_path / f"{number}.nrb")
        assert run("compile", directory, "-o", images[-1]).status == 0
    assert images[0].read_bytes() == images[1].read_bytes()


def test_compiling_over_an_image_replaces_it(compiled, tmp_path):
    directory, image = compiled
    image.write_bytes(b"something else")
    assert run("compile", directory.path, "-o", image).status == 0
    assert run("check", image, "-", stdin=json.dumps(neutral("B0820"))).status == 0


def test_a_compile_that_fails_leaves_the_old_image_alone(compiled, policy):
    _, image = compiled
    before = image.read_bytes()
    broken = policy(SMALL + "  - { roles: [R9999], activities: [B0820] }\n", name="broken")
    assert run("compile", broken.path, "-o", image).status == 1
    assert image.read_bytes() == before


REQUESTS = [neutral("B0820"), neutral("B0360", activities=["B8029"]), neutral("B0570"), neutral("B7777"), neutral("no.such"),
            neutral("pds.amend", asked="RBA"), neutral("pds.amend", asked="RBA", aal=3), neutral("alerts"),
            neutral("B0820", asked="Y51"), neutral("B0820", role="R9999"), neutral("B0820", activities=["AC1"]),
            cis2("B0820", [nrbac_role("1", "R8000"), nrbac_role("2", "R8001")]),
            cis2("B0820", [nrbac_role("1", "R8000")], id_token={"exp": NOW + 5}), {}]


@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_a_directory_and_its_image_give_the_same_answer(compiled, number):
    directory, image = compiled
    text = json.dumps(REQUESTS[number])
    answers = []
    for source in (directory.path, image):
        result = run("check", source, "-", "--format", "json", stdin=text)
        answers.append((result.status, checked(result.json()).without_where_it_was_asked()))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("arguments", [["what-can", "POLICY", "--role", "R8000"], ["who-can", "POLICY", "B0820"], ["dump", "POLICY"]])
def test_a_directory_and_its_image_tell_the_same(compiled, arguments):
    directory, image = compiled
    said = [run(*[source if argument == "POLICY" else argument for argument in arguments]) for source in (directory.path, image)]
    assert said[0].status == said[1].status == 0
    assert said[0].out == said[1].out


def refused(image):
    """An image that is wrong is refused: with a message, never with an answer, never by a signal."""
    result = run("check", image, "-", "--format", "json", stdin=json.dumps(neutral("B0820")), quiet=True)
    assert result.status in (1, 3), f"status {result.status}: {result.out}{result.err}"
    assert result.err.strip()
    assert '"permit"' not in result.out
    return True


def test_every_truncation_is_refused(compiled, tmp_path):
    whole = compiled[1].read_bytes()
    short = tmp_path / "short.nrb"
    lengths = {0, 1, 2, 7, 8, 63, 64, len(whole) // 2, len(whole) - 64, len(whole) - 8, len(whole) - 1}
    lengths |= set(random.Random(1).sample(range(len(whole)), min(60, len(whole))))
    for length in sorted(length for length in lengths if 0 <= length < len(whole)):
        short.write_bytes(whole[:length])
        assert refused(short), length


def test_every_flipped_bit_is_refused(compiled, tmp_path):
    whole = compiled[1].read_bytes()
    rng = random.Random(2)
    places = list(range(min(128, len(whole)))) + [rng.randrange(len(whole)) for _ in range(200)] + [len(whole) - 1]
    flipped = tmp_path / "flipped.nrb"
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.randrange(8)
        flipped.write_bytes(changed)
        assert refused(flipped), place


def test_something_behind_an_image_is_refused(compiled, tmp_path):
    longer = tmp_path / "longer.nrb"
    longer.write_bytes(compiled[1].read_bytes() + b"\0")
    assert refused(longer)


@pytest.mark.parametrize("content", [b"", b"nrbac", b"\0" * 4096, b"\xff" * 4096, b"nrbac: 1\n"])
def test_what_is_no_image_is_refused(tmp_path, content):
    (tmp_path / "x.nrb").write_bytes(content)
    assert refused(tmp_path / "x.nrb")


def test_dump_is_stable_and_names_every_code(compiled):
    directory, image = compiled
    one, two = run("dump", directory.path), run("dump", image)
    assert one.status == 0
    assert one.out == two.out == run("dump", directory.path).out
    for code in ("R8000", "B0825", "B0820", "P0300:Q0310:T0320", "patient.amend", "local:ESC01"):
        assert code in one.out


def test_dump_differs_where_the_policy_differs(policy):
    one = run("dump", policy(SMALL, name="one").path).out
    two = run("dump", policy(SMALL + "  - { roles: [R0001], activities: [B0015] }\n", name="two").path).out
    assert one != two

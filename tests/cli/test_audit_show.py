# SPDX-License-Identifier: Apache-2.0
"""`audit show`: a record, and its decision explained under the policy that gave it."""
import json

from support.command import run
from support.trail import SMALL_TRAIL, line, patient, user


def shown(made, seq):
    result = made.audit("show", str(seq), "--format", "json")
    assert result.status == 0
    return result.json()


def test_a_permit_is_explained_with_its_path(trail):
    made = trail().write()
    answer = shown(made, 2)["answer"]["context"]
    assert answer["path"] == ["B0825", "B0820"] and answer["reason"] == "granted-by-baseline"
    assert answer["steps"][0]["file"] == "policy.yaml" and answer["policy"]["version"] == "1"
    text = made.audit("show", "2").out
    assert "because      B0825 Amend demographics, by the baseline (policy.yaml:" in text
    assert "role profile   profile-of-910" in text and "peer           user 1000, group 100, process 4711" in text


def test_a_denial_tells_what_could_be_added(trail):
    made = trail().write()
    assert shown(made, 7)["answer"]["context"]["nearest"] == [["B0825"]]
    assert "DENY not-granted B0825" in made.audit("show", "7").out


def test_every_decision_comes_out_the_same(trail):
    made = trail().write().write([line(patient("B0820", "9000000009", "9000000009", "login")),
                                  line(patient("B0820", "9000000009", "9000000017"))])
    for record in made.list():
        told = shown(made, record["seq"])
        assert told["record"] == record
        assert told.get("same") is True or record["reason"] == "malformed-request"


def test_it_is_explained_under_the_policy_of_then(trail, policy):
    made = trail().write()
    renamed = policy(SMALL_TRAIL.replace('version: "1"', 'version: "2"').replace("activities: [B0825]", "activities: [B0572]"), "later")
    assert run("compile", renamed.path, "-o", made.policy).status == 0
    made.write()
    assert shown(made, 2)["answer"]["context"]["policy"]["version"] == "1"
    assert shown(made, 2)["answer"]["decision"] is True
    assert shown(made, 13)["answer"]["context"]["policy"]["version"] == "2"
    assert shown(made, 13)["answer"]["decision"] is False


def test_what_no_policy_decides_is_not_decided_again(trail):
    made = trail().write()
    told = shown(made, 9)
    assert "answer" not in told and "missing or of the wrong type" in told["not_decided_again"]
    assert "Not decided again: " in made.audit("show", "9").out


def test_a_record_that_was_changed_comes_out_otherwise(trail):
    made = trail().write()
    made.sql("UPDATE records SET reason = 1 WHERE seq = 5")  # a denial made a permit
    result = made.audit("show", "5")
    assert result.status == 1
    assert "comes out otherwise" in result.out and "record 5 is not what its policy decides" in result.err


def test_circumstances_that_nobody_can_read_are_said(trail):
    made = trail().write()
    made.sql("""UPDATE circumstances SET inputs = '{"unheard-of":1}'""")
    result = made.audit("show", "2")
    assert result.status == 1
    assert "record 2 cannot be explained: this release cannot read what it was decided on" in result.err


def test_a_policy_that_is_gone_is_said(trail):
    made = trail().write()
    made.sql("DELETE FROM images")
    result = made.audit("show", "2")
    assert result.status == 1 and "the trail does not keep its policy" in result.err
    assert "PERMIT granted-by-baseline B0820" in result.out


def test_there_is_no_such_record(trail):
    made = trail().write()
    assert made.audit("show", "12").status == 1
    for slip in ("0", "two", "-1"):
        assert made.audit("show", slip).status == 2


def test_patients_are_shown_as_they_are_kept(trail):
    made = trail().write([line(patient("B0820", "9000000009", "9000000009"))]) \
        .write([line(patient("B0820", "9000000009", "9000000009"))], patients="named") \
        .write([line(patient("B0820", "9000000009", "9000000009"))], patients="plain")
    none, named, plain = made.list()
    assert none["patient"] == "=" and none["user"] == "="
    assert named["patient"].startswith("~") and named["user"] == named["patient"]
    assert plain["patient"] == plain["user"] == "9000000009"
    for record in (none, named):
        assert "9000000009" not in json.dumps(record)
        assert "9000000009" not in made.audit("show", str(record["seq"])).all
    assert made.seqs("--patient", named["patient"]) == [2]
    assert {shown(made, seq)["answer"]["context"]["reason"] for seq in (1, 2, 3)} == {none["reason"]}


def test_users_are_those_of_the_time(trail):
    made = trail().write([line(user("B0820", "910"))])
    assert shown(made, 1)["record"]["role"] == "R8000"

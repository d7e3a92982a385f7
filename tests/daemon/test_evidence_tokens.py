# SPDX-License-Identifier: Apache-2.0
"""Rules 1 to 5 of how a token is checked, for every kind of token, by the command and over the socket: one table, two ways to ask."""
import json

import pytest
from support.evidence import KINDS, Asker, Served, nothing_comes_back, of_evidence, refused, says_why
from support.token_cases import EXPIRED, NOT_FOR_ITS_END_ALONE, PASS, REFUSED, applies


@pytest.fixture(scope="module")
def asker(tmp_path_factory):
    made = Asker(Served(tmp_path_factory.mktemp("evidence")))
    yield made
    made.end()


@pytest.fixture(params=["by_command", "by_socket"])
def ask(request, asker):
    return getattr(asker, request.param)


def every(cases):
    return pytest.mark.parametrize("kind, name", [pytest.param(kind, name, id=f"{kind.member} {name}")
                                                  for name in cases for kind in KINDS.values() if applies(kind, name)])


@every(PASS)
def test_a_sound_token_is_verified(ask, kind, name):
    answer = ask(kind.present(PASS[name](kind)))
    assert answer.verdict == kind.passes
    assert kind.member in of_evidence(answer)[2]
    assert "fault" not in answer.context or answer.context["fault"] is None


@every(REFUSED)
def test_an_unsound_token_is_refused_and_the_answer_says_why(ask, kind, name):
    token = REFUSED[name](kind)
    assert refused(ask(kind.present(token)), kind.refused, kind.member, token)


@every(EXPIRED)
def test_the_end_of_a_token_is_never_stretched(ask, kind, name):
    """A user's token that has expired is sound in all else; an application's is refused."""
    token = EXPIRED[name](kind)
    answer = ask(kind.present(token))
    assert answer.verdict == kind.expired and nothing_comes_back(answer, token)
    assert kind.expired != kind.refused or says_why(answer, kind.member, token)


@every(NOT_FOR_ITS_END_ALONE)
def test_an_expired_token_that_is_unsound_too_is_not_merely_expired(ask, kind, name):
    token = NOT_FOR_ITS_END_ALONE[name](kind)
    answer = ask(kind.present(token))
    assert answer.verdict == kind.refused and says_why(answer, kind.member, token)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("other", KINDS.values(), ids=list(KINDS))
def test_a_token_of_one_kind_is_no_token_of_another(ask, kind, other):
    """Each kind is signed for its own purpose. Userinfo and ID token are of one issuer, so the ID token lacks what userinfo must not."""
    if kind is other or {kind.member, other.member} == {"id_token", "userinfo"}:
        return
    token = other.token()
    assert refused(ask(kind.present(token)), kind.refused, kind.member, token)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("value", ["", None], ids=["empty", "null"])
def test_empty_and_null_members_are_not_there(ask, kind, value):
    whole = json.loads(json.dumps(kind.present("TOKEN")).replace('"TOKEN"', json.dumps(value)))
    if kind.member in ("userinfo", "nhs_login"):
        assert ask(whole).verdict == "indeterminate malformed-request"
    elif kind.member == "id_token":
        answer = ask(whole)
        assert answer.verdict == kind.passes and of_evidence(answer) == ("asserted", "none", [])
    else:
        whole["context"]["application"]["authenticated_by"] = "signed-jwt"
        answer = ask(whole)
        assert answer.verdict == kind.passes and of_evidence(answer) == ("none", "asserted", [])

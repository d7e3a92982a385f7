# SPDX-License-Identifier: Apache-2.0
"""One person, one profile: evidence of CIS1 and of CIS2 gives the same answer, whether or not the CIS2 evidence is verified."""
import pytest
from support.apis import HL7V3_CIS, HL7V3_CIS2
from support.evidence import Asker, Served, by_application, id_claims, key_of, of_evidence, to_function, userinfo_claims
from support.requests import nrbac_role, saml, saml_role
from support.tokens import jwt

# Activities of one profile by both names; the rest of a profile is spelt alike.
ROLES = {"clinician": ("R8000", ()), "nurse": ("R8001", ()), "nurse who may more": ("R8001", ("B0825",)), "administrator": ("R8003", ("B0360",)),
         "of an unknown role": ("R9999", ("B0820",))}
APART = ("evidence", "valid_until", "pattern")


@pytest.fixture(scope="module")
def asker(tmp_path_factory):
    made = Asker(Served(tmp_path_factory.mktemp("evidence")))
    yield made
    made.end()


def by_cis1(role, activities, organisation):
    more = {"nhsBusinessFunctionsCodes": list(activities)} if activities else {}
    return saml(None, [saml_role("501", role, organisation, **more)])["subject"]


def by_cis2(role, activities, organisation, made, **claims):
    """The same person; `made` says how the two maps are presented."""
    one = nrbac_role("501", role, organisation, **({"activity_codes": list(activities)} if activities else {}))
    token, info = made(id_claims(**claims)), made(userinfo_claims(nhsid_nrbac_roles=[one]))
    return {"type": "healthcare-worker", "properties": {"id_token": token, "userinfo": info}}


def rest(answer):
    return {name: value for name, value in answer.context.items() if name not in APART}


PRESENTED = {"as maps": lambda claims: claims, "as tokens": lambda claims: jwt(claims, key_of("cis2"))}


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("presented", PRESENTED)
@pytest.mark.parametrize("way, organisation, asked", [("by_command", "RBA", "RBA"), *(("by_socket", *pair) for pair in (
    ("RBA", None), ("RBA", "RBA"), ("RBA", "Y51"), ("FFFFF", "Y51"), ("FFFFF", None)))])
def test_both_ways_to_sign_in_give_one_answer(asker, who, presented, organisation, asked, way):
    ask = getattr(asker, way)
    context = {} if asked is None else {"organisation": asked}
    old, new = by_cis1(*ROLES[who], organisation), by_cis2(*ROLES[who], organisation, PRESENTED[presented])
    for name in ("B0825", "B0820", "B0360", "B7777", "no.such"):
        first, second = ask(to_function(name, old, **context)), ask(to_function(name, new, **context))
        assert rest(first) == rest(second) and first["decision"] == second["decision"]
    for operation in ("plain", "guarded", "noted", "here"):
        first, second = (ask(by_application(operation, user, way="tls-ma", pattern=pattern, organisation=asked))
                         for user, pattern in ((old, None), (new, HL7V3_CIS2)))
        assert (first.context["pattern"], second.context["pattern"]) == (HL7V3_CIS, HL7V3_CIS2)
        assert rest(first) == rest(second) and first["decision"] == second["decision"]
        said = of_evidence(second)
        assert said == (("verified", "asserted", ["id_token", "userinfo"]) if presented == "as tokens" else ("asserted", "asserted", []))


def test_the_sessions_of_both_hold_the_same(asker):
    """CIS1 states no level, so neither does CIS2 here."""
    asker.by_socket(to_function())
    held = []
    for user in (by_cis1("R8000", (), "RBA"), *(by_cis2("R8000", (), "RBA", made, authentication_assurance_level=None) for made in PRESENTED.values())):
        opened = asker.client.call("open", to_function(None, user))
        held.append([opened[name] for name in ("effect", "reason", "activities", "functions", "profile")])
    assert held[0] == held[1] == held[2]

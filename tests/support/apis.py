# SPDX-License-Identifier: Apache-2.0
"""Requests to operations of APIs, and users with every kind of evidence."""
import re

from .requests import NOW, TIME, cis2, neutral, nrbac_role, patient, saml, saml_role

OPEN = "open-access"
API_KEY, SIGNED_JWT, TLS_MA = (f"application-restricted/{way}" for way in ("api-key", "signed-jwt", "tls-ma"))
CIS2_SEPARATE, CIS2_COMBINED, HL7V3_CIS2, HL7V3_CIS, NHS_LOGIN_SEPARATE, NHS_LOGIN_COMBINED = (
    f"user-restricted/{way}" for way in ("cis2-separate", "cis2-combined", "hl7v3-cis2", "hl7v3-cis", "nhs-login-separate", "nhs-login-combined"))
PATTERNS = [OPEN, API_KEY, SIGNED_JWT, TLS_MA, CIS2_SEPARATE, CIS2_COMBINED, HL7V3_CIS2, HL7V3_CIS, NHS_LOGIN_SEPARATE, NHS_LOGIN_COMBINED]

OWN, OTHER = "9912003071", "9912003888"     # NHS numbers


def to_api(operation, user=None, api="all", application="gp", way="signed-jwt", pattern=None, organisation=None, record=None, time=TIME):
    """A request for an operation; what is None is left out."""
    context = {}
    if time is not None:
        context["time"] = time
    if organisation is not None:
        context["organisation"] = organisation
    if application is not None:
        context["application"] = {"id": application}
        if way is not None:
            context["application"]["authenticated_by"] = way
    if pattern is not None:
        context["authentication"] = {"pattern": pattern}
    resource = {"type": "api", "id": api}
    if record is not None:
        resource["properties"] = {"nhs_number": record}
    request = {"action": {"name": operation}, "resource": resource, "context": context}
    if user is not None:
        request["subject"] = user
    return request


def by_cis2(role="R8000", organisation="RBA", aal=3, roles=None, expires=None, **claims):
    """A healthcare worker who signed in with CIS2."""
    token = {} if aal is None else {"authentication_assurance_level": aal}
    if expires is not None:
        token["exp"] = expires
    roles = [nrbac_role("501", role, organisation)] if roles is None else roles
    return cis2(None, roles, id_token=token, **claims)["subject"]


def by_cis1(role="R8000", organisation="RBA", mode="0", **person):
    """A healthcare worker with a CIS smartcard."""
    return saml(None, [saml_role("501", role, organisation)], mode=mode, **person)["subject"]


def by_profile(role="R8000", organisation="RBA", **more):
    """A healthcare worker of whom the application says what it knows."""
    return neutral(None, role=role, organisation=organisation, **more)["subject"]


def by_nhs_login(number=OWN, level="P9", **claims):
    """A patient who signed in with NHS login."""
    token = {"sub": "login-1", "nhs_number": number, **claims}
    if level is not None:
        token["identity_proofing_level"] = level
    return patient(None, {key: value for key, value in token.items() if value is not None})["subject"]


SOON, PAST = NOW + 300, NOW - 1

# One API that offers every pattern, some that offer few, and applications of every sort.
POLICY = """
activities:
  B0360: { name: View Summary Record }
  B0820: { name: View Patient Demographics }
  B0825: { name: Amend Patient Demographics, includes: [B0820] }
job_roles:
  R8000: { name: Clinical Practitioner Access Role }
  R8001: { name: Nurse Access Role }
  R8003: { name: Admin Access Role }
baseline:
  - { roles: [R8000], activities: [B0825] }
  - { roles: [R8001], activities: [B0820] }
  - { roles: [R8003], activities: [B0360] }
obligations:
  notify-access: { name: Tell the privacy officer who looked }
  keep-note: { name: Write down the reason }
apis:
  all:
    name: Everything
    patterns: [%(all)s]
    operations:
      plain: { name: Plain }
      guarded: { name: Guarded, require: B0825 }
      noted: { name: Noted, obligations: [notify-access], require: { activity: B0825, obligations: [keep-note] } }
      told: { name: Told, obligations: [notify-access] }
      strong: { name: Strong, require: { all: [B0825, { aal: 3 }] } }
      here: { name: Here, require: { all: [B0825, { organisation: request }] } }
  own:
    name: Records of one's own
    patterns: [user-restricted/nhs-login-separate, user-restricted/nhs-login-combined]
    operations:
      view: { name: View }
      amend: { name: Amend, require: { proofing: P9 } }
      family: { name: View for another, delegation: allowed }
  authenticated:
    name: For users whom the application knows
    patterns: [application-restricted/api-key, application-restricted/signed-jwt, application-restricted/tls-ma]
    local_user: authenticated
    operations:
      plain: { name: Plain }
      guarded: { name: Guarded, require: B0825 }
  authorised:
    name: For users whom the application authorises
    patterns: [application-restricted/api-key, application-restricted/signed-jwt, application-restricted/tls-ma]
    local_user: authorised
    operations:
      plain: { name: Plain }
      guarded: { name: Guarded, require: B0825 }
  open:
    name: Open to everybody
    patterns: [open-access]
    operations:
      plain: { name: Plain, obligations: [notify-access] }
      guarded: { name: Guarded, require: B0825 }
  hidden:
    name: For others
    patterns: [application-restricted/tls-ma]
    operations:
      view: { name: View }
%(more)s
applications:
  gp: { name: GP system, authenticated_by: [api-key, signed-jwt, tls-ma], apis: all }
  one-way: { authenticated_by: [signed-jwt], apis: { %(every)s } }
  bound: { authenticated_by: [api-key, signed-jwt, tls-ma], apis: { %(every)s }, organisations: [RBA, Y51] }
  few: { authenticated_by: [signed-jwt, tls-ma], apis: { all: [plain], own: all } }
  paused: { authenticated_by: [signed-jwt, tls-ma], apis: { %(every)s }, organisations: [RBA] }
  paused-and-closed: { authenticated_by: [signed-jwt, tls-ma], apis: { %(every)s }, status: closed }
  closed: { authenticated_by: [signed-jwt, tls-ma], apis: { %(every)s }, status: closed, organisations: [RBA] }
suspend:
  - { application: paused, reason: "incident 1234" }
  - { application: paused-and-closed, reason: "incident 1235" }
"""


def policy_with(more=""):
    """The policy, with more under `apis`."""
    apis = re.findall(r"^  ([a-z-]+):$", POLICY.partition("\napis:")[2].partition("\napplications:")[0] + "\n" + more, re.M)
    return POLICY % {"all": ", ".join(PATTERNS), "more": more, "every": ", ".join(f"{api}: all" for api in apis)}

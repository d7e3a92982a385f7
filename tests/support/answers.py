# SPDX-License-Identifier: Apache-2.0
"""An answer as the contract words it, with short names for its parts."""
import json
import re
from datetime import datetime, timezone

REASONS = {
    "permit": """granted-by-baseline granted-by-additional requirement-met open-access application-authorised
        patient-authorised opened""".split(),
    "deny": """not-granted requirement-not-met exclusive-conflict assurance-too-low assurance-unknown
        organisation-mismatch organisation-required training-session profile-not-open person-inactive subject-mismatch
        pattern-not-met application-unknown application-not-authenticated application-not-authorised user-required
        user-not-allowed user-not-authenticated proofing-too-low not-own-record evidence-expired session-revoked suspended obligations-apply
        policy-stale not-recorded""".split(),
    "indeterminate": """no-policy malformed-request unknown-activity no-roles role-selection-required
        selected-role-invalid role-code-missing cannot-decide-locally""".split(),
    "not-applicable": "unknown-function unknown-api unknown-operation".split(),
}
EFFECT_OF = {reason: effect for effect, reasons in REASONS.items() for reason in reasons}
# Slugs of one word are also English words, and may stand in a sentence.
SLUGS = [slug for slug in (*EFFECT_OF, *REASONS) if "-" in slug]
CODES = re.compile(r"^(?:[BRE]\d{4}|local:.+)$")


def names(items):
    """Obligations by name, whether they are plain names or objects that carry one."""
    found = []
    for item in items:
        found.append(item if isinstance(item, str) else item.get("name", item.get("id", item.get("code"))))
    return found


def codes_within(value):
    """The activity codes of one entry of `nearest`, in order, whether it is a list or an object that holds one."""
    if isinstance(value, str):
        return [value] if CODES.match(value) else []
    if isinstance(value, dict):
        if isinstance(value.get("code"), str):
            return [value["code"]]
        return next((codes_within(part) for part in value.values() if isinstance(part, list)), [])
    return [code for part in value for code in codes_within(part)]


class Answer(dict):
    """{"decision": ..., "context": {...}}"""

    @property
    def context(self):
        return self["context"]

    @property
    def verdict(self):
        return f"{self.context['effect']} {self.context['reason']}"

    @property
    def effect(self):
        return self.context["effect"]

    @property
    def reason(self):
        return self.context["reason"]

    @property
    def obligations(self):
        return set(names(self.context["obligations"]))

    @property
    def warnings(self):
        return [warning["code"] for warning in self.context["warnings"]]

    @property
    def warned_about(self):
        """Everything the warnings say, as text to look into."""
        return json.dumps(self.context["warnings"])

    @property
    def profile(self):
        """(id, role, organisation) of the profile in force."""
        return tuple(self.context["profile"].get(key) for key in ("id", "role", "organisation"))

    @property
    def nearest(self):
        return [codes_within(entry) for entry in self.context["nearest"]]

    @property
    def candidates(self):
        """Effect by role profile id."""
        found = {}
        for candidate in self.context["candidates"]:
            ids = [candidate.get("id"), candidate.get("role_profile"), candidate.get("person_roleid")]
            ids.append(candidate["profile"].get("id") if isinstance(candidate.get("profile"), dict) else candidate.get("profile"))
            found[next(one for one in ids if one)] = candidate["effect"]
        return found

    @property
    def valid_until(self):
        """As an aware datetime, or None."""
        value = self.context["valid_until"]
        return None if value is None else moment(value)

    def without_where_it_was_asked(self):
        """What must be the same from the command, the daemon and an image: all but generation and digest."""
        context = {key: value for key, value in self.context.items() if key != "policy"}
        policy = self.context["policy"]
        return {"decision": self["decision"], "context": context, "policy": [policy["name"], policy["version"]]}


def moment(text):
    """RFC 3339 in UTC to a datetime."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", text), f"not RFC 3339 in UTC: {text}"
    return datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00")).astimezone(timezone.utc)


def checked(document):
    """An answer whose effect, reason and decision agree; anything else is a failure wherever it is seen."""
    answer = Answer(document)
    assert set(answer) >= {"decision", "context"}, f"not an answer: {document}"
    assert answer.reason in EFFECT_OF, f"a reason that the contract does not have: {answer.reason}"
    assert EFFECT_OF[answer.reason] == answer.effect, f"{answer.reason} does not belong to {answer.effect}"
    assert answer["decision"] is (answer.effect == "permit"), "decision is true for permit, and for nothing else"
    return answer


def is_one_sentence(message):
    """One line, begins with a capital or a name, ends once."""
    assert isinstance(message, str) and message.strip(), "a message for the person at the screen"
    assert "\n" not in message
    assert re.search(r"[.!?]$", message), f"a sentence ends: {message}"
    assert not re.search(r"[.!?]\s+\S", message), f"more than one sentence: {message}"
    for slug in SLUGS:
        assert slug not in message, f"the slug {slug} in: {message}"
    return True

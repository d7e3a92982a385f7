# SPDX-License-Identifier: Apache-2.0
"""schema/tests.schema.json, for editors, takes what `nrbac test` takes, and refuses what it refuses."""
import json

import jsonschema
import pytest
import yaml
from support.command import run
from support.paths import ROOT
from support.small import SMALL

SCHEMA = json.loads((ROOT / "schema/tests.schema.json").read_text())
HEAD = "nrbac-test: 1\nsubjects:\n  a: { profile: { role: R8000, organisation: RBA } }\n"
TEST = HEAD + "tests:\n  - name: one\n    subject: a\n"

SOUND = [
    TEST + "    permit: [B0825]\n", TEST + "    deny: [B0825]\n", TEST + "    expect: { B0825: permit }\n",
    TEST + "    expect: { B0825: permit granted-by-baseline }\n", TEST + "    expect:\n      B0825: permit with a, b\n",
    TEST + "    expect: { B0825: deny not-granted with a }\n", TEST + "    permit: []\n",
    TEST + "    given: { organisation: RBA, role_profile: 501, time: 2026-11-23T09:00:00Z, application: gp }\n    permit: [B0825]\n",
    HEAD + "tests:\n  - { name: nobody asks, permit: [B0825] }\n",
    TEST + "    given: { api: a, application: { id: gp, authenticated_by: tls-ma }, pattern: open-access, record: 9912003071 }\n    deny: [view]\n",
    TEST + "    given: { application: { id: gp }, evidence: { aal: 1, profile: { role: R8001 } } }\n    deny: [B0825]\n",
    TEST + "    given: { evidence: }\n    permit: [B0825]\n",
    HEAD.replace("profile:", "aal: 3, ial: \"2\", profile:") + "tests:\n  - { name: x, subject: a, permit: [B0825] }\n"]
UNSOUND = [
    "tests: []\n", "nrbac-test: 2\ntests: []\n", "nrbac-test: 1\n", HEAD + "test: []\n", HEAD + "tests: {}\n", TEST,
    TEST + "    permit: B0825\n", TEST + "    permitted: [B0825]\n", TEST + "    expect: { B0825: perhaps }\n",
    TEST + "    expect: { B0825: permit with }\n", TEST + "    expect: { B0825: permit granted-by-baseline now }\n",
    TEST + "    given: { organization: RBA }\n    permit: [B0825]\n", HEAD + "tests:\n  - { subject: a, permit: [B0825] }\n",
    TEST + "    given: { application: { id: gp, authenticated_by: fax } }\n    permit: [B0825]\n",
    TEST + "    given: { application: { authenticated_by: tls-ma } }\n    permit: [B0825]\n",
    TEST + "    given: { application: [gp] }\n    permit: [B0825]\n", TEST + "    given: { pattern: signed-jwt }\n    permit: [B0825]\n",
    TEST + "    given: { evidence: { file: x } }\n    permit: [B0825]\n", TEST + "    given: { evidence: { level: 3 } }\n    permit: [B0825]\n",
    TEST + "    given: { evidence: [a] }\n    permit: [B0825]\n",
    HEAD.replace("profile:", "profil:") + "tests:\n  - { name: x, subject: a, deny: [B0825] }\n",
    HEAD.replace("profile:", "file: x, profile:") + "tests:\n  - { name: x, subject: a, deny: [B0825] }\n"]


class Loader(yaml.SafeLoader):
    """A time is a text, as it is to nrbac."""


Loader.yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
                                  for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def schema_takes(text):
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.load(text, Loader))


def command_takes(policy, text):
    result = run("test", policy({"policy.yaml": SMALL, "one_test.yaml": text.encode()}).path)
    assert result.status in (0, 1)
    assert result.status == 1 or "error[" not in result.err
    return "error[" not in result.err


@pytest.mark.parametrize("text", SOUND)
def test_what_is_sound_is_taken_by_both(policy, text):
    assert command_takes(policy, text) and schema_takes(text)


@pytest.mark.parametrize("text", UNSOUND)
def test_what_is_not_is_refused_by_both(policy, text):
    assert not command_takes(policy, text) and not schema_takes(text)


@pytest.mark.parametrize("path", sorted((ROOT / "policy").rglob("*_test.yaml")), ids=lambda path: path.stem)
def test_the_tests_of_our_policies_are_sound(path):
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.load(path.read_text(), Loader))

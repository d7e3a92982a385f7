# SPDX-License-Identifier: Apache-2.0
"""schema/evidence.schema.json, for editors, takes the settings of tests/evidence/sound and refuses those of
tests/evidence/unsound; tests/unit/verify_settings_test.c holds the library to the same files."""
import json

import jsonschema
import pytest
import yaml
from support.paths import ROOT

SCHEMA = json.loads((ROOT / "schema/evidence.schema.json").read_text())
SOUND = sorted((ROOT / "tests/evidence/sound").glob("*.yaml"))
UNSOUND = sorted((ROOT / "tests/evidence/unsound").glob("*.yaml"))


class Loader(yaml.SafeLoader):
    """A day is a text, as it is to nrbac."""


Loader.yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
                                  for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def takes(path):
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.load(path.read_text(), Loader))


def test_there_are_some_of_both():
    assert len(SOUND) > 3 and len(UNSOUND) > 20


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_what_is_sound_is_taken(path):
    assert takes(path)


@pytest.mark.parametrize("path", UNSOUND, ids=lambda path: path.stem)
def test_what_is_not_is_refused(path):
    assert not takes(path)


def test_the_settings_of_the_manual_are_sound():
    page = (ROOT / "schema/evidence.md").read_text()
    text = page.split("```yaml\n")[1].split("```")[0]
    settings = yaml.load(text, Loader)
    settings["applications"]["gp-system"]["api_keys"][0]["hash"] = "hmac-sha256:" + "0" * 32 + ":" + "0" * 64
    settings["applications"]["gp-system"]["certificates"][1]["fingerprint"] = "sha256:" + "0" * 64
    jsonschema.Draft202012Validator(SCHEMA).validate(settings)

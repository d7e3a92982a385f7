# SPDX-License-Identifier: Apache-2.0
"""The schema for editors and the loader take and refuse the same shapes."""
import json
import pathlib
import re

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "schema" / "policy.schema.json").read_text())
BROKEN = ROOT / "tests" / "broken"

# What a schema cannot know: it needs more than one place to see the mistake.
BEYOND = {"yaml-syntax", "yaml-syntax-tab", "not-text", "not-text-control", "yaml-feature-alias", "yaml-feature-merge",
          "yaml-feature-tag", "yaml-feature-documents", "duplicate-key"}
SHAPES = {"missing-header", "unknown-key", "wrong-type", "bad-value", "bad-code", "bad-api", "missing-key", "always-met",
          "function-like-code", "wrong-kind", "replaced-not-obsolete", "bad-extends",
          "many-at-once", "never-met", "unknown-code"}  # these among others


class Loader(yaml.SafeLoader):
    """Reads dates as texts, as editors do (YAML 1.2)."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def mistakes(path):
    document = yaml.load(path.read_text(), Loader)
    return list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))


def files(folder):
    return sorted(path for path in folder.rglob("*.yaml") if not path.name.endswith("_test.yaml") and path.is_file())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", files(ROOT / "policy"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_schema_takes_every_policy(path):
    assert mistakes(path) == []


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_schema_refuses_what_the_loader_refuses_for_its_shape(name):
    assert any(mistakes(path) for path in files(BROKEN / name / "policy"))


@pytest.mark.parametrize("name", sorted(path.name for path in BROKEN.iterdir() if path.name not in SHAPES | BEYOND))
def test_the_schema_takes_what_only_the_whole_policy_shows(name):
    assert [(path.name, one.message) for path in files(BROKEN / name / "policy") for one in mistakes(path)] == []


def test_every_slug_of_a_message_is_in_the_schema():
    names = SCHEMA["properties"]["functions"]["additionalProperties"]["properties"]["message"]["anyOf"][1]["propertyNames"]["enum"]
    for table in ("effect", "reason"):
        rows = (ROOT / "schema" / "nrbac" / f"{table}.def").read_text().splitlines()
        slugs = [row.split('"')[1] for row in rows if row.startswith("NRBAC_")]
        assert slugs and set(slugs) <= set(names)


def test_the_manual_lists_every_reason_with_its_sentence():
    manual = (ROOT / "engine/man/nrbac-policy.5").read_text().partition("\n.Sh REASONS\n")[2]
    reasons = (ROOT / "schema/nrbac/reason.def").read_text()
    rows = re.findall(r'NRBAC_REASON\(\d+, \w+, "([\w-]+)", \w+,\s*"[^"]*",\s*"([^"]*)"\)', reasons)
    assert len(rows) == reasons.count("\nNRBAC_REASON(")
    for slug, sentence in rows:
        words = manual.partition(f".It Li {slug}\n")[2].partition("\n.")[0].split()
        assert " ".join(words) == sentence, slug

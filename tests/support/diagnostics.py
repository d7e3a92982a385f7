# SPDX-License-Identifier: Apache-2.0
"""Diagnostics as people and editors read them: file:line:column: error[P012]: text."""
import re
from collections import namedtuple

Diagnostic = namedtuple("Diagnostic", "file line column severity code text")

LINE = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+): "
                  r"(?P<severity>error|warning|note)(?:\[(?P<code>[^\]]+)\])?: (?P<text>.+)$", re.MULTILINE)


def read(text):
    return [Diagnostic(found["file"], int(found["line"]), int(found["column"]), found["severity"], found["code"], found["text"])
            for found in LINE.finditer(text)]


def errors(text):
    return [one for one in read(text) if one.severity == "error"]


def at(policy, marker):
    """(line, column) of the first place where the marker stands in the policy's only file; both count from 1."""
    for number, line in enumerate((policy.path / "policy.yaml").read_text().splitlines(), 1):
        if marker in line:
            return number, line.index(marker) + 1
    raise AssertionError(f"{marker} does not stand in the policy")

# SPDX-License-Identifier: Apache-2.0
"""Small policies, written for one test each, and questions asked of them through the command."""
import json
import textwrap

from .answers import checked
from .command import run, shorten

HEADER = 'nrbac: 1\npolicy: { name: small, version: "1", provenance: local }\n'
HEADER_LINES = HEADER.count("\n")


def text_of(content):
    """Policy text as a file: what does not begin with its own first line gets the usual one."""
    if isinstance(content, bytes):
        return content
    content = textwrap.dedent(content).lstrip("\n")
    return content.encode() if content.startswith("nrbac") else (HEADER + content).encode()


def write(directory, files):
    """A policy directory from {relative path: text}, or from the text of its only file."""
    if isinstance(files, (str, bytes)):
        files = {"policy.yaml": files}
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text_of(content))
    return directory


def as_line(request):
    return request if isinstance(request, str) else json.dumps(request)


class Policy:
    """A policy on disk."""

    def __init__(self, path, show=True):
        self.path = path
        if show:
            self.show()

    def show(self):
        for file in sorted(file for file in self.path.rglob("*.yaml") if file.is_file()):
            print(f"=== {file}\n{shorten(file.read_bytes().decode('utf-8', 'replace'))}")

    def ask(self, request, *options):
        """One decision."""
        text = as_line(request)
        print("--- request\n" + shorten(text))
        result = run("check", self.path, "-", "--format", "json", *options, stdin=text)
        assert result.status in (0, 1), "an answered question ends with 0 or 1"
        answer = checked(result.json())
        assert result.status == (0 if answer.effect == "permit" else 1)
        return answer

    def ask_all(self, requests):
        """Many decisions in one process, in order."""
        text = "".join(as_line(request) + "\n" for request in requests)
        result = run("check", self.path, "-", "--stream", "--format", "json", stdin=text, timeout=120, quiet=True)
        if result.status != 0:
            result.show()
        assert result.status == 0, "a stream ends with 0 once every line is answered"
        answers = [checked(document) for document in result.json_lines()]
        assert len(answers) == len(requests), "one line of answer for each line of request"
        return answers

    def validate(self, *options, **keywords):
        return run("validate", self.path, *options, **keywords)

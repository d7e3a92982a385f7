# SPDX-License-Identifier: Apache-2.0
"""Writes nrbac/_words.py: effects, reasons and the other words of nrbac, read from the tables that the library is built from.

    words.py FOLDER OUT      FOLDER holds reason.def and the others: schema/nrbac, or an installed nrbac's include/nrbac
"""
import ast
import re
import sys
from pathlib import Path

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|\d+|[(),]')

HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""The words of nrbac, made by words.py from schema/nrbac/*.def. They are texts: `Reason.NOT_GRANTED == "not-granted"`."""
from __future__ import annotations

from enum import IntEnum, StrEnum


class Effect(StrEnum):
    """The outcome of a decision. Only PERMIT is access."""

    number: int

    def __new__(cls, slug: str, number: int) -> Effect:
        word = str.__new__(cls, slug)
        word._value_ = slug
        word.number = number
        return word

%(effects)s

class Reason(StrEnum):
    """Why a decision came out as it did; `effect` is the only one that it may accompany, `doc` says it in a sentence."""

    number: int
    effect: Effect
    doc: str

    def __new__(cls, slug: str, number: int, effect: Effect, doc: str) -> Reason:
        word = str.__new__(cls, slug)
        word._value_ = slug
        word.number, word.effect, word.doc = number, effect, doc
        return word

%(reasons)s

class Fault(StrEnum):
    """Why the daemon refused a call; a denial is never one of these."""

    doc: str

    def __new__(cls, slug: str, doc: str) -> Fault:
        word = str.__new__(cls, slug)
        word._value_ = slug
        word.doc = doc
        return word

%(faults)s

class Caution(StrEnum):
    """What an answer points out beside its decision, in `warnings`."""

    doc: str

    def __new__(cls, slug: str, doc: str) -> Caution:
        word = str.__new__(cls, slug)
        word._value_ = slug
        word.doc = doc
        return word

%(warnings)s

class Status(IntEnum):
    """What the world did to a call of the library."""

    text: str

    def __new__(cls, number: int, text: str) -> Status:
        word = int.__new__(cls, number)
        word._value_ = number
        word.text = text
        return word

%(statuses)s

EFFECT_OF = {word.value: word for word in Effect}
REASON_OF = {word.value: word for word in Reason}
STATUS_OF = {word.value: word for word in Status}
# By number, as the extension wants them; None where there is none.
EFFECTS = tuple({word.number: word for word in Effect}.get(number) for number in range(1 + max(word.number for word in Effect)))
REASONS = tuple({word.number: word for word in Reason}.get(number) for number in range(1 + max(word.number for word in Reason)))


def effect_of(slug: object) -> Effect | str:
    """The effect of a slug; a newer daemon may have others, which stay texts."""
    return EFFECT_OF.get(str(slug), str(slug))


def reason_of(slug: object) -> Reason | str:
    """The reason of a slug, likewise."""
    return REASON_OF.get(str(slug), str(slug))
'''


def rows(path: Path) -> list[list[str]]:
    """The arguments of each macro of a table: names, numbers and texts; texts that stand side by side are one."""
    tokens = TOKEN.findall(COMMENT.sub("", path.read_text(encoding="utf-8")))
    found: list[list[str]] = []
    position = 0
    while position < len(tokens):
        if not tokens[position].startswith("NRBAC_") or tokens[position + 1] != "(":
            raise SystemExit(f"{path}: `{tokens[position]}`, where an NRBAC_...( is expected")
        position += 2
        row = [""]
        while tokens[position] != ")":
            token = tokens[position]
            if token == ",":
                row.append("")
            else:
                row[-1] += ast.literal_eval(token) if token[0] == '"' else token
            position += 1
        found.append(row)
        position += 1
    return found


def member(name: str, *values: object) -> str:
    return f"    {name} = ({', '.join(map(str, values))})\n"


def module(folder: Path) -> str:
    effects, reasons, faults, warnings, statuses = (
        rows(folder / f"{table}.def") for table in ("effect", "reason", "fault", "warning", "status"))
    return HEAD % {
        "effects": "".join(member(name, repr(slug), number) for number, name, slug in effects),
        "reasons": "".join(member(name, repr(slug), number, f"Effect.{effect}", repr(doc)) for number, name, slug, effect, _, doc in reasons),
        "faults": "".join(member(name, repr(slug), repr(doc)) for name, slug, doc in faults),
        "warnings": "".join(member(name, repr(slug), repr(doc)) for _, name, slug, doc in warnings),
        "statuses": "".join(member(name, number, repr(text)) for number, name, text in statuses),
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(module(Path(sys.argv[1])), encoding="utf-8")

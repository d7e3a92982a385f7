# SPDX-License-Identifier: Apache-2.0
"""A page taken apart, strictly: every element is closed, in order, and nothing is left to a browser's goodwill."""
from html.parser import HTMLParser

VOID = {"meta", "br", "wbr", "col", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """elements (tag and attributes, in order), strings (of the body, whole), and mistakes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.text, self.elements, self.strings, self.mistakes = text, [], [], []
        self.style = self.title = ""
        self.paragraphs = []
        self._open = []
        self.feed(text)
        self.close()
        self.mistakes += [f"<{tag}> is not closed" for tag in self._open]
        self.all_text = " ".join("".join(self.strings).split())

    def count(self, tag):
        return sum(1 for name, _ in self.elements if name == tag)

    def handle_starttag(self, tag, attrs):
        if len({name for name, _ in attrs}) != len(attrs):
            self.mistakes.append(f"<{tag}> has an attribute twice: {attrs}")
        self.elements.append((tag, dict(attrs)))
        if tag in ("p",):
            self.paragraphs.append("")
            if "p" in self._open:
                self.mistakes.append("<p> in <p>")
        if tag not in VOID:
            self._open.append(tag)
        if tag in ("tr", "li", "td", "th", "p", "br"):
            self.strings.append(" ")

    def handle_endtag(self, tag):
        if tag in VOID or not self._open or self._open[-1] != tag:
            self.mistakes.append(f"</{tag}> closes {self._open[-1:]} at {self.getpos()}")
            return
        self._open.pop()

    def handle_data(self, data):
        if "style" in self._open:
            self.style += data
        elif "title" in self._open:
            self.title += data
        else:
            self.strings.append(data)
            if "p" in self._open:
                self.paragraphs[-1] += data

# SPDX-License-Identifier: Apache-2.0
"""The table of who checks what has a row for each security pattern, and the example that it links to shows both sides."""
import re

import pytest
import yaml
from support.command import run
from support.paths import ROOT

PAGE = ROOT / "schema/patterns.md"
SLUGS = re.findall(r'NRBAC_PATTERN\(\d+, \w+, "([^"]+)"', (ROOT / "schema/nrbac/pattern.def").read_text())
ROWS = {cells[0].strip("`"): cells for cells in ([cell.strip() for cell in line.strip("| \n").split("|")]
                                                 for line in PAGE.read_text().splitlines() if re.match(r"\| `[a-z0-9/-]+` \|", line))}
SEVERAL = 5     # ways to be refused that the poorest pattern, open access, has at least


def test_there_are_ten():
    assert len(SLUGS) == 10


@pytest.fixture(params=SLUGS)
def slug(request):
    return request.param


def link(slug):
    return re.fullmatch(r"\[[^]]+\]\(([^)]+)\)", ROWS[slug][-1]).group(1)


def expected(suite):
    """Every expectation of a test file as one word: permit, deny, indeterminate, not-applicable."""
    for test in suite["tests"]:
        yield from ("permit" for _ in test.get("permit") or [])
        yield from ("deny" for _ in test.get("deny") or [])
        yield from (phrase.split()[0] for phrase in (test.get("expect") or {}).values())


def test_each_pattern_has_a_row_that_says_who_does_all_four(slug):
    assert len(ROWS[slug]) == 6 and all(ROWS[slug])
    authorises_user = ROWS[slug][4]
    if slug.startswith("user-restricted/"):
        assert authorises_user == "**the calling application alone**"
    else:
        assert authorises_user.startswith("nobody")


def test_the_link_leads_to_an_example_of_that_pattern(slug):
    suite = PAGE.parent / link(slug)
    assert suite.is_file()
    policy = yaml.safe_load((suite.parent / "policy.yaml").read_text())
    assert {pattern for api in policy["apis"].values() for pattern in api["patterns"]} == {slug}


def test_the_example_permits_and_denies_and_says_why(slug):
    suite = yaml.safe_load((PAGE.parent / link(slug)).read_text())
    effects = list(expected(suite))
    assert effects.count("permit") >= 1 and len(effects) - effects.count("permit") >= SEVERAL
    for test in suite["tests"]:
        for phrase in (test.get("expect") or {}).values():
            assert phrase.startswith("permit ") or len(phrase.split()) == 2, f"`{test['name']}` does not say why"


def test_what_the_example_says_is_so(slug):
    result = run("test", (PAGE.parent / link(slug)).parent, "--format", "json")
    assert result.status == 0 and result.json()["failed"] == 0


def test_the_first_page_leads_here():
    assert "(schema/patterns.md)" in (ROOT / "README.md").read_text().partition("## The ten security patterns")[2]


def test_the_readme_has_the_same_rows_and_links_to_the_same_folders(slug):
    readme = (ROOT / "README.md").read_text()
    row = next(line for line in readme.splitlines() if line.startswith(f"| `{slug}` |"))
    folder = re.search(r"\]\(([^)]+)/\)", row).group(1)
    assert (PAGE.parent / link(slug)).resolve().parent == (ROOT / folder).resolve()

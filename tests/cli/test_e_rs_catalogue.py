# SPDX-License-Identifier: Apache-2.0
"""The catalogue of e-RS against its table: every endpoint, and each of them asked in every business function."""
import csv
import json

import pytest
import yaml
from support.command import run
from support.paths import POLICY

CATALOGUE = POLICY / "examples/nhs-apis"
HELD_BY = {"REFERRING_CLINICIAN": "B1101", "REFERRING_CLINICIAN_ADMIN": "B1102", "REFERRING_ADMIN": "B1103", "SERVICE_PROVIDER_CLINICIAN": "B1110",
           "SERVICE_PROVIDER_CLINICIAN_ADMIN": "B1115", "SERVICE_PROVIDER_ADMIN": "B1120", "SERVICE_DEFINER": "B1107", "COMMISSIONER": "B1106",
           "BMS_ADMIN": "B1105", "REFERRER_RIGHTS_MANAGER": "B1108"}
FOR_ANOTHER = "SERVICE_PROVIDER_CLINICIAN_ADMIN"
EVERYTHING = list(HELD_BY.values())


def rows():
    with open(CATALOGUE / "source/e-rs-endpoints.csv", newline="") as file:
        return list(csv.DictReader(file))


def operation_of(row):
    return row["endpoint"].lower() + (f".{row['worklist']}" if row["worklist"] else "")


ROWS = rows()
BY_FUNCTION = [row for row in ROWS if row["business_functions"] != "any"]


def operations():
    apis = yaml.safe_load((CATALOGUE / "e-rs.yaml").read_text())["apis"]
    return {name: api for api, said in apis.items() for name in said["operations"] if not name.startswith("as.")}


def test_there_are_37_endpoints():
    assert len({row["endpoint"] for row in ROWS}) == 37


def test_the_catalogue_has_every_endpoint_and_no_other():
    users = {operation_of(row) for row in ROWS}
    alone = {row["endpoint"].lower() + ".application" for row in ROWS if row["application_restricted"] == "yes"}
    assert set(operations()) == users | alone
    assert len(alone) == 16


def test_every_business_function_can_be_asked_for():
    said = yaml.safe_load((CATALOGUE / "e-rs.yaml").read_text())["apis"]["e-rs"]["operations"]
    for function, code in HELD_BY.items():
        required = said["as." + function.lower().replace("_", "-")]["require"]["all"]
        assert [item for item in required if isinstance(item, str)][0].split()[0] == code


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("e-rs") / "catalogue.nrb"
    assert run("compile", CATALOGUE, "-o", path).status == 0
    return path


def request(row, acting_as, held, on_behalf_of, aal=2, ial=3):
    context = {"application": {"id": "gp-system", "authenticated_by": "signed-jwt"}, "organisation": "Y51", "acting_as": acting_as}
    if on_behalf_of:
        context["on_behalf_of"] = on_behalf_of
    return {"subject": {"type": "healthcare-worker", "properties": {"profile": {"role": "R0050", "organisation": "Y51", "activities": held}, "aal": aal, "ial": ial}},
            "action": {"name": operation_of(row)}, "resource": {"type": "api", "id": "e-rs"}, "context": context}


def cases():
    """(request, whether it must be permitted): each endpoint, in each function, by who holds its code, all others, or all."""
    for row in BY_FUNCTION:
        taken = row["business_functions"].split("|")
        for function, code in HELD_BY.items():
            for held in ([code], [other for other in EVERYTHING if other != code], EVERYTHING):
                for on_behalf_of in (None, "555254240100"):
                    named = function != FOR_ANOTHER or on_behalf_of is not None
                    yield request(row, function, held, on_behalf_of), function in taken and code in held and named


def reasons(image, requests):
    lines = "".join(json.dumps(request) + "\n" for request in requests).encode()
    return [answer["context"]["reason"] for answer in run("check", image, "--stream", "--format", "json", stdin=lines).json_lines()]


def test_each_endpoint_takes_exactly_its_business_functions(image):
    asked = list(cases())
    assert len(asked) == len(BY_FUNCTION) * len(HELD_BY) * 3 * 2
    wanted = ["requirement-met" if permitted else "requirement-not-met" for _, permitted in asked]
    assert "requirement-met" in wanted
    assert reasons(image, [request for request, _ in asked]) == wanted


@pytest.mark.parametrize("aal, ial, reason", [(2, 3, "requirement-met"), (3, 3, "requirement-met"), (1, 3, "assurance-too-low"), (2, 2, "assurance-too-low"),
                                              (None, 3, "assurance-unknown"), (2, None, "assurance-unknown")])
def test_each_endpoint_takes_the_levels(image, aal, ial, reason):
    asked = [request(row, row["business_functions"].split("|")[0], EVERYTHING, "555254240100", aal, ial) for row in BY_FUNCTION]
    assert reasons(image, asked) == [reason] * len(asked)


def test_each_endpoint_is_for_the_organisation_of_the_request():
    for name, api in operations().items():
        if api == "e-rs" and not name.endswith(".application"):
            required = yaml.safe_load((CATALOGUE / "e-rs.yaml").read_text())["apis"][api]["operations"][name]["require"]["all"]
            assert {"organisation": "request"} in required, name

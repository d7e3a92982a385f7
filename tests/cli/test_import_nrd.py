# SPDX-License-Identifier: Apache-2.0
"""`import-nrd`: the deployer's own database, as CSV, becomes policy files."""
import json

import pytest
from support.command import run
from support.requests import neutral

TABLES = {
    "roles.csv": "role_code,name,staff_group_code,sub_group_code\nR8000,Clinical Practitioner Access Role,S8000,G8000\n"
                 'R8008,"Admin, Clinical Support",S8001,G8002\nR0001,"The ""Privacy"" Officer: one",,\n',
    "activities.csv": "activity_code,name\nB0820,View Patient Demographics\nB0825,\"Amend, Patient Demographics\"\n"
                      "B0570,Perform Pharmacy Activities\nB0572,Manage Pharmacy Activities\nB0571,# not a comment\n",
    "areas_of_work.csv": "area_of_work_code,level1_name,level2_name,level3_name\n"
                         "P0300:Q0310:T0320,Primary Care,Pharmacy,Pharmacy\n",
    "baseline.csv": "role_code,area_of_work_code,activity_code\nR8000,,B0825\nR8008,P0300:Q0310:T0320,B0572\n",
    "includes.csv": "activity_code,included_activity_code\nB0825,B0820\nB0572,B0570\n",
}


@pytest.fixture
def imported(tmp_path):
    def make(**changed):
        source = tmp_path / "csv"
        source.mkdir(exist_ok=True)
        for name, text in TABLES.items():
            (source / name).write_bytes(changed.get(name[:-4], text) if isinstance(changed.get(name[:-4], text), bytes)
                                        else changed.get(name[:-4], text).encode())
        return run("import-nrd", source, "-o", tmp_path / "imported"), tmp_path / "imported"
    return make


def ask(path, *arguments, **keywords):
    return run("check", path, "-", "--format", "json", stdin=json.dumps(neutral(*arguments, **keywords))).json()["context"]


def test_an_import_is_a_policy_without_mistakes(imported):
    result, path = imported()
    assert result.status == 0
    assert list(path.rglob("*.yaml"))
    assert run("validate", path).status == 0


def test_an_imported_policy_decides(imported):
    _, path = imported()
    assert ask(path, "B0820")["reason"] == "granted-by-baseline"
    assert ask(path, "B0570", role="R8008", areas=["P0300:Q0310:T0320"])["reason"] == "granted-by-baseline"
    assert ask(path, "B0570", role="R8008")["reason"] == "not-granted"


def test_names_survive_the_import(imported):
    _, path = imported()
    assert "Amend, Patient Demographics" in ask(path, "B0825")["message"]


def test_an_import_is_the_same_twice(imported):
    _, path = imported()
    before = {file.name: file.read_bytes() for file in path.rglob("*.yaml")}
    result, _ = imported()
    if result.status == 0:
        assert {file.name: file.read_bytes() for file in path.rglob("*.yaml")} == before
    else:
        assert {file.name: file.read_bytes() for file in path.rglob("*.yaml")} == before, "refused, and nothing half written"


@pytest.mark.parametrize("table, text", [
    ("roles", "code of the role,what it is called\nR8000,X\n"),
    ("baseline", "role_code,area_of_work_code,activity_code\nR8000,,\n"),
    ("baseline", "role_code,area_of_work_code,activity_code\nB0825,,R8000\n"),
    ("activities", "activity_code,name\nB0820,\"never closed\n"),
    ("activities", b"activity_code,name\nB0820,\xff\xfe\n"),
    ("activities", b"activity_code,name\nB0820,a\x00b\n"),
    ("activities", "activity_code,name\nB0820,One\nB0820,Two\n"),
    ("activities", ""),
    ("includes", "activity_code,included_activity_code\nB0825\n")])
def test_a_table_that_is_wrong_is_a_mistake_with_its_file_and_line(imported, table, text):
    result, path = imported(**{table: text})
    assert result.status == 1
    assert f"{table}.csv" in result.err
    assert not path.exists() or not list(path.rglob("*.yaml")), "nothing half imported"


def test_windows_line_ends_and_a_byte_order_mark_are_what_spreadsheets_write(imported):
    text = ("\ufeff" + TABLES["activities.csv"].replace("\n", "\r\n")).encode()
    result, path = imported(activities=text)
    assert result.status == 0
    assert ask(path, "B0820")["reason"] == "granted-by-baseline"


def test_a_name_cannot_smuggle_policy_in(imported):
    text = TABLES["activities.csv"] + 'B0999,"X }\nbaseline:\n  - { roles: [R0001], activities: [B0825] }\n#"\n'
    result, path = imported(activities=text)
    if result.status == 0:
        assert run("validate", path).status == 0
        assert ask(path, "B0825", role="R0001")["reason"] == "not-granted"

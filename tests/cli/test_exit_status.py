# SPDX-License-Identifier: Apache-2.0
"""Usage, help and exit statuses: 0 yes, 1 no, 2 usage, 3 the world failed."""
import json

import pytest
from support.command import run
from support.requests import neutral
from support.small import FUNCTIONS, SMALL

COMMANDS = ["validate", "compile", "check", "explain", "what-can", "who-can", "test", "assure", "dump", "import-nrd", "query"]


@pytest.mark.parametrize("arguments", [
    [], ["no-such-command"], ["--no-such-option"], ["check"], ["validate"], ["compile"], ["what-can"], ["who-can"], ["dump"],
    ["test"], ["assure"], ["import-nrd"], ["query"], ["check", "--no-such-option"]])
def test_wrong_usage_ends_with_2_and_says_so_on_stderr(arguments):
    result = run(*arguments)
    assert result.status == 2
    assert result.out == ""
    assert result.err


@pytest.mark.parametrize("arguments", [
    ["compile", "POLICY"], ["who-can", "POLICY"], ["what-can", "POLICY"], ["check", "POLICY", "-", "--format", "xml"],
    ["validate", "POLICY", "--no-such-option"], ["validate", "POLICY", "--format", "yaml"], ["compile", "POLICY", "-o"]])
def test_wrong_usage_of_a_real_policy_ends_with_2(policy, arguments):
    path = policy(SMALL).path
    result = run(*[path if argument == "POLICY" else argument for argument in arguments])
    assert result.status == 2
    assert result.out == ""


@pytest.mark.parametrize(("arguments", "says"), [
    (["query", "--socket", "s", "--info", "--health"], "ask for one of --info, --health, --reload, --stop and --go-on"),
    (["query", "--socket", "s", "--reload", "--health"], "ask for one of --info, --health, --reload, --stop and --go-on"),
    (["what-can", "policy", "--role", "R8000", "--subject", "s"], "give --role or --subject, and only one of them"),
    (["what-can", "policy"], "give --role or --subject, and only one of them"),
    (["validate"], "`validate` needs more words than that")])
def test_options_that_exclude_each_other_are_wrong_usage(arguments, says):
    result = run(*arguments)
    assert result.status == 2
    first, usage = result.err.splitlines()
    assert first.endswith(says)
    assert usage.startswith("usage: nrbac " + arguments[0])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_explains_itself(command, flag):
    result = run(command, flag)
    assert result.status == 0
    assert command in result.out
    assert result.err == ""


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["help"]])
def test_help_names_every_command(arguments):
    result = run(*arguments)
    assert result.status == 0
    for command in COMMANDS:
        assert command in result.out


def test_help_of_a_diagnostic_explains_it(policy):
    broken = policy(SMALL + "  - { roles: [R8000], activities: [B9999] }\n")
    from_run = broken.validate()
    code = from_run.all.split("error[")[1].split("]")[0]
    result = run("help", code)
    assert result.status == 0
    assert code in result.out
    assert len(result.out.splitlines()) > 2


def test_help_of_what_does_not_exist_is_wrong_usage():
    result = run("help", "P0000")
    assert result.status in (1, 2)
    assert result.out == ""


@pytest.mark.parametrize("arguments", [
    ["check", "NOWHERE", "-"], ["validate", "NOWHERE"], ["compile", "NOWHERE", "-o", "x.nrb"], ["dump", "NOWHERE"],
    ["what-can", "NOWHERE", "--role", "R8000"], ["who-can", "NOWHERE", "B0820"], ["test", "NOWHERE"],
    ["import-nrd", "NOWHERE", "-o", "x"], ["check", "NOWHERE.nrb", "-"], ["query", "--socket", "NOWHERE.sock", "--info"]])
def test_a_file_that_is_not_there_ends_with_3(tmp_path, arguments):
    result = run(*[str(tmp_path / argument) if argument.startswith("NOWHERE") else argument for argument in arguments],
                 cwd=tmp_path)
    assert result.status == 3
    assert result.out == ""
    assert "NOWHERE" in result.err


def test_a_request_file_that_is_not_there_ends_with_3(policy, tmp_path):
    result = run("check", policy(SMALL).path, tmp_path / "absent.json")
    assert result.status == 3
    assert "absent.json" in result.err


def test_a_place_that_cannot_be_written_ends_with_3(policy, tmp_path):
    result = run("compile", policy(SMALL).path, "-o", tmp_path / "absent" / "out.nrb")
    assert result.status == 3
    assert "out.nrb" in result.err


@pytest.mark.parametrize("request_, status", [
    (neutral("B0820"), 0), (neutral("B0572"), 1), (neutral("B7777"), 1), (neutral("no.such"), 1), ({}, 1)])
@pytest.mark.parametrize("form", ["text", "json"])
def test_check_ends_with_0_for_permit_and_1_for_everything_else(policy, request_, status, form):
    result = run("check", policy(SMALL).path, "-", "--format", form, stdin=json.dumps(request_))
    assert result.status == status
    assert result.out.count("\n") >= 1


def test_check_quiet_says_nothing_but_the_status(policy):
    path = policy(SMALL).path
    for name, status in (("B0820", 0), ("B0572", 1)):
        result = run("check", path, "-", "-q", stdin=json.dumps(neutral(name)))
        assert (result.status, result.out) == (status, "")


def test_check_reads_a_request_from_a_file(policy, tmp_path):
    (tmp_path / "request.json").write_text(json.dumps(neutral("B0820")))
    result = run("check", policy(SMALL).path, tmp_path / "request.json", "--format", "json")
    assert result.status == 0
    assert result.json()["context"]["reason"] == "granted-by-baseline"


def test_check_says_in_one_line_of_text_what_it_decided(policy):
    path = policy(SMALL).path
    result = run("check", path, "-", stdin=json.dumps(neutral("B0820")))
    assert result.status == 0
    assert len(result.out.splitlines()) == 1
    assert result.out.lower().startswith("permit")
    assert "granted-by-baseline" in result.out and "B0820" in result.out
    denied = run("check", path, "-", stdin=json.dumps(neutral("B0572")))
    assert denied.out.lower().startswith("deny") and "not-granted" in denied.out


def test_check_builds_a_request_from_its_options(policy, tmp_path):
    whole = neutral("B0820")
    (tmp_path / "subject.json").write_text(json.dumps(whole["subject"]))
    path = policy(FUNCTIONS).path
    for name, organisation, status in (("B0820", "RBA", 0), ("B0820", "Y51", 1), ("B0572", "RBA", 1), ("patient.amend", "RBA", 0)):
        result = run("check", path, "--subject", tmp_path / "subject.json", "--action", name, "--organisation", organisation)
        assert result.status == status


def test_check_chooses_the_role_profile_by_option(policy, tmp_path):
    roles = [{"person_orgid": "1", "person_roleid": number, "org_code": "RBA", "role_code": code, "role_name": "x"}
             for number, code in (("501", "R8000"), ("502", "R8001"))]
    subject = {"type": "healthcare-worker", "properties": {"userinfo": {"sub": "1", "nhsid_nrbac_roles": roles}}}
    (tmp_path / "subject.json").write_text(json.dumps(subject))
    path = policy(SMALL).path
    for chosen, status in (("501", 0), ("502", 1), ("503", 1)):
        result = run("check", path, "--subject", tmp_path / "subject.json", "--action", "B0820", "--role-profile", chosen,
                     "--format", "json")
        assert result.status == status
    assert result.json()["context"]["reason"] == "selected-role-invalid"


@pytest.mark.parametrize("command", ["check", "what-can", "dump", "compile"])
def test_a_policy_with_mistakes_ends_with_1_and_its_diagnostics_on_stderr(policy, tmp_path, command):
    broken = policy(SMALL + "  - { roles: [R8000], activities: [B9999] }\n").path
    more = {"check": ["-"], "what-can": ["--role", "R8000"], "dump": [], "compile": ["-o", tmp_path / "out.nrb"]}[command]
    result = run(command, broken, *more, stdin=json.dumps(neutral("B0820")))
    assert result.status == 1
    assert "error[P" in result.err
    assert not (tmp_path / "out.nrb").exists()


def test_a_stream_of_nothing_is_answered_with_nothing(policy):
    result = run("check", policy(SMALL).path, "-", "--stream")
    assert (result.status, result.out) == (0, "")

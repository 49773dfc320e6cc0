"""The command line without an instance: usage, exit codes, and errors that say what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.instance import ROOT

from casemate.cli.main import main


def run(*arguments: str) -> int:
    """The exit code, however the command ends."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize("command", ["up", "down", "status", "env", "explain", "reset", "demo", "fault"])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    shown = capsys.readouterr().out
    assert f"usage: casemate {command}" in shown
    assert f"  casemate {command}" in shown or f"$(casemate {command})" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["up", "--port", "x"],
        ["up", "--port", "65536"],
        ["up", "--port", "-1"],
        ["explain"],
        ["fault"],
        ["fault", "clear"],
        ["fault", "clear", "fault-1", "--all"],
        ["fault", "latency", "200ms"],
        ["fault", "az-outage"],
        ["explain", "--from", "laptop"],
        ["explain", "some-id", "--from", "laptop", "--to", "dynamodb:t"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["down"], ["status"], ["status", "--json"], ["reset"], ["env"], ["explain", "an-id"], ["fault", "list"]],
    ids=" ".join,
)
def test_without_an_instance_it_is_exit_code_3_and_how_to_start_one(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments, "--data", str(tmp_path)) == 3
    assert f"start one with: casemate up --data {tmp_path}" in capsys.readouterr().err


def test_env_of_both_accounts_in_both_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = {
        account: {"access_key_id": f"AKIA{account}", "secret_access_key": "a'b"}
        for account in ("000000000000", "111111111111")
    }
    (tmp_path / "credentials.json").write_text(json.dumps(keys))
    (tmp_path / "instance.json").write_text(json.dumps({"endpoint": "http://127.0.0.1:1", "pid": 1}))
    data = ["--data", str(tmp_path)]
    assert run("env", "--json", "--account", "111111111111", "--region", "eu-west-1", *data) == 0
    variables = json.loads(capsys.readouterr().out)
    assert variables["AWS_ACCESS_KEY_ID"] == "AKIA111111111111"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert run("env", *data) == 0
    script = capsys.readouterr().out + 'printf %s "$AWS_SECRET_ACCESS_KEY"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == "a'b"
    assert run("env", "--account", "5", *data) == 1
    assert "known: 000000000000, 111111111111" in capsys.readouterr().err


def test_a_data_directory_that_cannot_be_made_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run("up", "--detach", "--data", str(tmp_path / "file" / "below")) == 1
    assert "cannot be used: Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [("casemate.db", "cannot be read"), ("lock", "cannot be used: Is a directory")],
)
def test_a_start_that_fails_says_why_without_a_traceback(tmp_path: Path, spoil: str, said: str) -> None:
    if spoil == "lock":
        (tmp_path / spoil).mkdir()
    else:
        (tmp_path / spoil).write_text("no database at all, whatever its name")
    command = [sys.executable, "-m", "casemate.cli.main", "up", "--port", "0", "--dataplane", "off"]
    done = subprocess.run(
        [*command, "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1

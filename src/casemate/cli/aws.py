"""`casemate aws`: the AWS CLI with the instance's environment."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from casemate.cli.instance import DEFAULT_DATA, WORKLOAD_ACCOUNT, environment, fail


def configure(parser: argparse.ArgumentParser) -> None:
    """Everything after `aws` is the AWS CLI's."""
    parser.epilog = "example:\n  casemate aws dynamodb list-tables"


def run(arguments: argparse.Namespace) -> int:
    """Replace this process by the AWS CLI."""
    data = Path(os.environ.get("CASEMATE_DATA") or DEFAULT_DATA)
    account = os.environ.get("CASEMATE_ACCOUNT", WORKLOAD_ACCOUNT)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-2"
    beside = Path(sys.executable).parent / "aws"
    program = str(beside) if beside.exists() else shutil.which("aws")
    if program is None:
        fail("the AWS CLI is not installed; install it with: pip install awscli")
    variables = {**os.environ, **environment(data, account, region)}
    variables.pop("AWS_PROFILE", None)
    variables.pop("AWS_SESSION_TOKEN", None)
    variables.setdefault("AWS_PAGER", "")
    os.execve(program, [program, *arguments.arguments], variables)  # noqa: S606 the point of this command
    return 0

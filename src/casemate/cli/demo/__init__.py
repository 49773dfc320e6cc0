"""`casemate demo`: the reference architecture and its access matrix, explained.

Starts an instance of its own (ephemeral, a free port, a temporary data directory), builds everything with boto3,
tries each case with real calls, asks the instance why, prints the matrix, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from casemate.cli.demo.architecture import (
    OTHER_REGION,
    REGION,
    Architecture,
    Client,
    build_network,
    create_function,
    create_key,
    create_perimeter,
    create_roles,
    create_table,
)
from casemate.cli.demo.cases import CASES, Case, Phase
from casemate.cli.demo.house import DemoInstance
from casemate.cli.demo.matrix import print_matrix
from casemate.cli.demo.trial import Ask, Trial, attempt
from casemate.cli.exit_codes import EXIT_FAILED
from casemate.cli.instance import WORKLOAD_ACCOUNT, add_json_option

MANAGEMENT_ACCOUNT = "111111111111"
_NEXT = """
Next:
  .venv/bin/casemate up --detach
  eval "$(.venv/bin/casemate env)"
  .venv/bin/casemate aws ec2 describe-vpcs
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = "example:\n  casemate demo"
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build, try, explain, print; exit code 1 when a case did not go as expected."""
    say: Callable[[str], None] = (lambda _: None) if arguments.json else _say
    started = time.monotonic()
    with DemoInstance() as instance:
        say(f"instance ready after {instance.seconds_to_ready:.2f} s; network: {instance.network}")
        if not instance.enforced:
            print(
                "casemate: the demo needs real packets; 'casemate status' names what is missing",
                file=sys.stderr,
            )
            return EXIT_FAILED
        architecture = _build(instance.client, say)
        trials = _try_all(architecture, instance.client, instance.ask, say)
    if arguments.json:
        print(json.dumps([_as_json(trial) for trial in trials], indent=2))
    else:
        print_matrix(trials)
        good = sum(trial.as_expected for trial in trials)
        agree = sum(trial.explanation_agrees for trial in trials)
        print(
            f"\n{good} of {len(trials)} cases as expected; model and packets agree in {agree} of {len(trials)}."
        )
        print(f"Built, tried and torn down in {time.monotonic() - started:.1f} s.")
        print(_NEXT)
    return 0 if all(trial.as_expected and trial.explanation_agrees for trial in trials) else EXIT_FAILED


def _build(client: Client, say: Callable[[str], None]) -> Architecture:
    say("building: VPC, six subnets, five route tables, NAT and internet gateway, two gateway endpoints")
    network = build_network(client("ec2"))
    say("building: table (in two Regions), roles, service control policy")
    keys = [create_key(client("kms", region=region)) for region in (REGION, OTHER_REGION)]
    for region, key in zip((REGION, OTHER_REGION), keys, strict=True):
        create_table(client("dynamodb", region=region), key)
    role, break_glass = create_roles(client("iam"), WORKLOAD_ACCOUNT, keys)
    scp = create_perimeter(client("organizations", account=MANAGEMENT_ACCOUNT), network.vpc, break_glass)
    functions = {case.source: case for case in CASES if case.source.startswith("lambda:")}
    say(f"building: {len(functions)} functions, plain boto3, no endpoint URL")
    for source, case in functions.items():
        subnets = [network.subnets[name] for name in case.subnets]
        groups = [network.groups[case.group]] if subnets else []
        create_function(client("lambda"), source.partition(":")[2], role, subnets, groups)
    return Architecture(account=WORKLOAD_ACCOUNT, network=network, scp=scp, break_glass=break_glass)


def _try_all(architecture: Architecture, client: Client, ask: Ask, say: Callable[[str], None]) -> list[Trial]:
    organizations = client("organizations", account=MANAGEMENT_ACCOUNT)
    ec2 = client("ec2")
    scp = {"PolicyId": architecture.scp, "TargetId": architecture.account}
    endpoint, table = architecture.network.endpoint, architecture.network.route_tables["private"]

    def attempt_phase(phase: Phase) -> list[Trial]:
        cases = [case for case in CASES if case.phase is phase]
        say(f"trying: {phase.value} ({len(cases)} {'case' if len(cases) == 1 else 'cases'})")

        def attempt_case(case: Case) -> Trial:
            return attempt(case, architecture, client, ask)

        with ThreadPoolExecutor(max_workers=len(cases)) as pool:
            return list(pool.map(attempt_case, cases))

    organizations.attach_policy(**scp)
    trials = attempt_phase(Phase.PERIMETER)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[table])
    trials += attempt_phase(Phase.ROUTE_REMOVED)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[table])
    organizations.detach_policy(**scp)
    trials += attempt_phase(Phase.SCP_DETACHED)
    return trials


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _as_json(trial: Trial) -> dict[str, object]:
    return {
        "case": trial.case.title,
        "who": trial.case.source,
        "expected": trial.case.expected.value,
        "happened": trial.happened.value if trial.happened else None,
        "saw": trial.saw,
        "why": trial.why,
    }


__all__: Sequence[str] = ("configure", "run")

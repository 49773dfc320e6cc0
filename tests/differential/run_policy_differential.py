"""The engine against the naive evaluator, on as many random requests as asked.

    PYTHONPATH=src:. python tests/differential/run_policy_differential.py 100000 [--seed 1]

Prints how many requests of each outcome were compared and how long it took; exits with 1 and the request, its policies
and both answers at the first disagreement. `test_policy.py` runs 8,000 of them in the suite.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT / "src"), str(_ROOT)]

from tests.differential.naive_policy import naive  # noqa: E402
from tests.support.policy_questions import random_request, random_set  # noqa: E402

from casemate.policy.evaluation import evaluate  # noqa: E402

_PER_SET = 10
"""Requests put to each set of policies, so that kept answers are compared too."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("requests", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    outcomes: Counter[str] = Counter()
    started = time.perf_counter()
    while outcomes.total() < arguments.requests:
        policies = random_set(rng)
        for _ in range(min(_PER_SET, arguments.requests - outcomes.total())):
            request = random_request(rng)
            decision = evaluate(request, policies)
            by = None
            if decision.decided_by is not None:
                by = f"{decision.decided_by.name}/{'explicit' if decision.statement else 'implicit'}"
            expected = naive(request, policies)
            if (decision.allowed, by) != expected:
                print(f"DISAGREE: engine {(decision.allowed, by)}, naive {expected}\n{request}\n{policies}")
                return 1
            outcomes["allowed" if by is None else by] += 1
    seconds = time.perf_counter() - started
    for name, count in outcomes.most_common():
        print(f"{count:>8,}  {name}")
    print(f"{outcomes.total():>8,}  requests, no disagreement, {seconds:.0f} s, seed {arguments.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

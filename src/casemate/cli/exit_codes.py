"""How commands end. Of `aws` and `exec` they are those of what they run."""

from __future__ import annotations

EXIT_FAILED = 1
"""The command could not do what was asked; the message says why."""
EXIT_USAGE = 2
"""Options or arguments that make no sense; argparse ends so, too."""
EXIT_NOT_RUNNING = 3
"""Casemate does not run on that data directory."""

EXIT_CODES = "exit codes: 0 done, 1 failed (the message says why), 2 wrong usage, 3 Casemate does not run"

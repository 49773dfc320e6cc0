"""Casemate: a local, AWS-wire-compatible cloud whose network and access policies are real.

The folders are the architecture; see ARCHITECTURE.md. Arrows between them are held by an import linter.
"""

__version__ = "0.1.0"

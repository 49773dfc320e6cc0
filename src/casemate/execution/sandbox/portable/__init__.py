"""Modules that environments find in /var/runtime in place of compiled ones. Never imported by Casemate itself."""

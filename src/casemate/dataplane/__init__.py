"""Snapshot -> kernel plan -> diff (pure: plan, diff); kernel/ does all the I/O in a helper process that may crash.

Belongs here: compiling a network snapshot to namespaces, routes and nftables, and applying it. Does not belong here:
what a packet *should* do (`reachability`, independent on purpose), AWS APIs, policies. Knows `casemate.model` only.
"""

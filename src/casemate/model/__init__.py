"""Frozen values that two or more engines share: errors, ids, ARNs, principals, origins, the network snapshot.

Belongs here: immutable data and the parsing of it. Does not belong here: decisions, state, I/O.
Knows no other package of Casemate.
"""

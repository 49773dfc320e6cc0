"""Listeners and the request pipeline: one flat list a newcomer reads top to bottom.

Belongs here: accepting, parsing, authenticating, locating, authorizing, dispatching, recording, serializing. Does
not belong here: knowledge of any single service.
"""

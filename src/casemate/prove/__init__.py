"""Symbolic proof with counter-example over the same policies and the same network. Pure. Not built yet."""

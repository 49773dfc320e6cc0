"""The life of an execution environment: a table of transitions. Pure."""

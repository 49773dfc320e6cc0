"""PartiQL statements as requests of the item operations: same engine, same checks, same answers.

`statements` reads a statement with its parameters, `writing` turns nodes into expressions, `writes` makes the request
of a write, `selection` plans a SELECT and `pages` reads it.
"""

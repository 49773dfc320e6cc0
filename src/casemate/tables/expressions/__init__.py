"""DynamoDB's expression language: condition, filter, key condition, update and projection expressions.

`compile_*` of `compiled` give an expression with its names and values resolved; nothing here does I/O. Parsing is
cached by text, compiling by text, names and types of values. Deep nesting cannot exhaust the stack: boolean groups
are parsed with an explicit stack, operands and paths are bounded, and an expression has at most 300 operators.
"""

"""The only file that wires things together."""

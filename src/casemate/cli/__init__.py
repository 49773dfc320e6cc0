"""The command line: each command in a file of its own; thin, everything real happens in the running instance."""

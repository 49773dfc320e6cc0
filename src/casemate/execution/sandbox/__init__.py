"""The I/O of execution: fork-server, mounts, namespaces, processes."""

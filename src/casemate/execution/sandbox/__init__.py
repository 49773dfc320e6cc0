"""The I/O of execution: fork-server, mounts, namespaces, processes.

`client` runs in the front door. Everything else runs in the fork-server and its children, as root or as the (fake)
root of a user namespace: `forkserver` (stage one: builds the read-only root that every environment shares, enters it
and executes stage two), `server` (stage two: imports what functions import, then forks on demand), `init` (process 1
of an environment: namespaces and mounts), `runtime` (process 2: sheds every privilege and runs the function).
"""

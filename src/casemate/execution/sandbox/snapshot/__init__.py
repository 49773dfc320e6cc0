"""SnapStart's snapshots: the memory and the descriptors of a runtime that has initialized, given to other environments.

Every environment is made as all others are: forked by the fork-server, in namespaces of its own, its runtime without
privileges before any code of the function runs. What makes it a restored one is that process 1, which is Casemate's,
then gives that runtime the state of another one (docs/decisions/0029). Both were forked from the same fork-server, so
that most of their memory is equal already, and stays shared.

Here are: `tracing` (making a stopped process do system calls), `mappings` (pure), `pages`, `open_files`, `pairs`, `image` (what a
snapshot is, and taking it), `restoring`, `heeding`, `parking` (the runtime's side). Nothing here knows what a function is.
"""

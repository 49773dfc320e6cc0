"""The only package that wires things together: every other one is handed what it needs.

`options` says what is wanted, `identity` and `slices` build the services on one store, `house` puts the gateway and the
data plane around them, `serving` runs it. Nothing is decided here but who gets what, and in which order things start
and end.
"""

from casemate.app.house import House
from casemate.app.options import MANAGEMENT_ACCOUNT, WORKLOAD_ACCOUNT, Options
from casemate.app.registries import registries
from casemate.app.serving import serve

__all__ = ["MANAGEMENT_ACCOUNT", "WORKLOAD_ACCOUNT", "House", "Options", "registries", "serve"]

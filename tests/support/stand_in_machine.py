"""A program: a machine with an address outside, a web server on it, and a Casemate. Run inside a namespace of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.instance import Instance
from tests.support.private_table import PrivateTable

OUTSIDE = "203.0.113.7"
asked: list[str] = []


class Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked.append(self.client_address[0])
        body = b"the machine's own network"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: standard output is the answer."""


def main() -> None:
    for argv in (["ip", "link", "set", "lo", "up"], ["ip", "addr", "add", f"{OUTSIDE}/32", "dev", "lo"]):
        subprocess.run(argv, check=True)
    for port in (80, 8080):
        server = ThreadingHTTPServer((OUTSIDE, port), Web)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    instance = Instance(Path(sys.argv[1]), "--ephemeral", "--dataplane", "kernel", *sys.argv[2:]).start()
    try:
        found = ask(PrivateTable(instance))
    finally:
        instance.stop()
    print(json.dumps({**found, "asked": asked}))


def ask(world: PrivateTable) -> dict[str, object]:
    vpc = world.vpc()
    private, closed = vpc.subnet("private"), vpc.subnet("closed")
    vpc.subnet("public")
    vpc.internet("public")
    vpc.nat("public", "private")
    group, table = vpc.group(), world.table()
    function = world.function(subnets=[private], groups=[group])
    lost = world.function(subnets=[closed], groups=[group])

    def get(who: str, url: str) -> dict[str, object]:
        return world.invoke(who, "http", url=url, timeout=1)

    return {
        "web": get(function, f"http://{OUTSIDE}/"),
        "other port": get(function, f"http://{OUTSIDE}:8080/"),
        "nobody there": get(function, f"http://{OUTSIDE}:81/"),
        "the cloud's metadata": get(function, "http://169.254.169.254/"),
        "dynamodb": world.get(function, table),
        "without a way out": get(lost, f"http://{OUTSIDE}/"),
    }


main()

"""Starting Casemate and its peers as a user does, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-peers"
NPM_PEERS = ROOT / ".npm-peers"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Peer:
    name: str
    endpoint: str
    key: str
    secret: str
    process: subprocess.Popen[str]
    seconds_to_ready: float
    runs_functions: bool = True

    def memory_mib(self) -> float:
        """Proportional set size of the process and everything below it."""
        return sum(_pss(pid) for pid in family(self.process.pid)) / 1024

    def processor_time(self) -> tuple[float, float]:
        """Seconds in user and in system mode, of the process and everything below it."""
        times = [_times(pid) for pid in family(self.process.pid)]
        return sum(user for user, _ in times), sum(system for _, system in times)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def casemate(directory: Path, *options: str, program: str = "casemate.cli.main") -> Peer:
    started = time.perf_counter()
    argv = [
        sys.executable,
        "-m",
        program,
        "up",
        "--port",
        "0",
        "--data",
        str(directory),
        *options,
    ]
    log = (directory / "log").open("w")
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    endpoint = next((line.split()[1] for line in process.stdout if line.startswith("ready ")), None)
    seconds = time.perf_counter() - started
    if endpoint is None:
        raise RuntimeError((directory / "log").read_text())
    keys = json.loads((directory / "credentials.json").read_text())["000000000000"]
    return Peer("casemate", endpoint, keys["access_key_id"], keys["secret_access_key"], process, seconds)


def ministack(directory: Path) -> Peer:
    _install("ministack")
    port = free_port()
    environment = {**os.environ, "GATEWAY_PORT": str(port), "MINISTACK_PORT": str(port), "PORT": str(port)}
    program = PEERS / "bin" / "ministack"
    return start("ministack", [str(program)], port, directory, environment, "/_ministack/health")


def moto(directory: Path) -> Peer:
    _install("moto[server,dynamodb,iam,awslambda]")
    port = free_port()
    program = PEERS / "bin" / "moto_server"
    argv = [str(program), "-H", "127.0.0.1", "-p", str(port)]
    peer = start("moto", argv, port, directory, dict(os.environ), "/moto-api/")
    peer.runs_functions = False
    return peer


def dynalite(directory: Path, *, disk: bool) -> Peer:
    """Port of DynamoDB on LevelDB; it never syncs, so even its disk is not durable."""
    program = _npm("dynalite@4", "node_modules/.bin/dynalite")
    port = free_port()
    argv = [program, "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    if disk:
        argv += ["--path", str(directory / "items")]
    return start("dynalite disk" if disk else "dynalite", argv, port, directory, dict(os.environ), "/")


def dynoxide(directory: Path) -> Peer:
    """SQLite, one sync per write."""
    program = _npm("@dynoxide/linux-x64", "node_modules/@dynoxide/linux-x64/dynoxide")
    port = free_port()
    argv = [program, "serve", "--port", str(port), "--db-path", str(directory / "items.db")]
    return start("dynoxide disk", argv, port, directory, dict(os.environ), "/")


def start(
    name: str, argv: list[str], port: int, directory: Path, environment: dict[str, str], health: str
) -> Peer:
    started = time.perf_counter()
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, text=True, env=environment, cwd=directory)
    endpoint = f"http://127.0.0.1:{port}"
    while time.perf_counter() - started < 20:
        try:
            urllib.request.urlopen(endpoint + health, timeout=1).close()
            return Peer(name, endpoint, "test", "test", process, time.perf_counter() - started)
        except urllib.error.HTTPError:
            # It answers, if only to say that it has no such page.
            return Peer(name, endpoint, "test", "test", process, time.perf_counter() - started)
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.01)
    process.kill()
    raise RuntimeError((directory / "log").read_text()[-500:])


def _install(package: str) -> None:
    if not PEERS.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    name = package.partition("[")[0]
    pip = [str(PEERS / "bin" / "python"), "-m", "pip", "-q", "--disable-pip-version-check"]
    if subprocess.run([*pip, "show", name], capture_output=True, check=False).returncode != 0:
        done = subprocess.run([*pip, "install", package], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-300:])


def _npm(package: str, program: str) -> str:
    """A program of an npm package, installed when it is not there."""
    found = NPM_PEERS / program
    if not found.exists():
        argv = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(NPM_PEERS), package]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise RuntimeError("npm is not installed") from None
        if not found.exists():
            raise RuntimeError(done.stderr[-300:])
    return str(found)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        queue += children.get(one, [])
    return found


def _times(pid: int) -> tuple[float, float]:
    """Threads and those of them that have ended are counted (proc(5), fields 14 and 15 of stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0

"""The root file system that all environments share: read-only, made once, holding nothing of the host's own.

Layout as on AWS: the interpreter in /var/lang, the runtime's libraries (boto3 and what it needs, the runtime interface
client) in /var/runtime, code in /var/task. What only the sandbox itself needs is under /run/casemate, which every
environment unmounts before the function's code runs.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from casemate.execution.sandbox import syscalls
from casemate.execution.sandbox.plan import RootPlan

RUNTIME_LIBRARIES = (
    "awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "runtime_client", "s3transfer", "simplejson", "six",
    "snapshot_restore_py", "urllib3",
)  # fmt: skip
"""What AWS's Python runtimes put in /var/runtime. A function that needs more must bring it, as on AWS."""

CODE = "/run/casemate/code"
SANDBOX = "/run/casemate/sandbox"
NODES = "/run/casemate/node"
"""/var/lang of each Node.js, by major version, and `runtime`, its /var/runtime."""
EMPTY = "/run/casemate/empty"
# AWS runs functions as this user (uid 993, gid 990 in recent Python runtimes; general knowledge).
USER, UID, GID = "sbx_user1051", 993, 990
_DEVICES = ("null", "zero", "full", "random", "urandom")
_CA_PLACES = (
    "etc/ssl/certs/ca-certificates.crt",  # Debian
    "etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux, Fedora
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/cert.pem",  # OpenSSL's default file on several distributions
)
CA_BUNDLE = "/etc/pki/tls/certs/ca-bundle.crt"


def libraries(*, own: bool = True) -> dict[str, Path]:
    """The runtime's libraries: name inside /var/runtime -> host path. Compiled ones only for Casemate's `own` Python."""
    found: dict[str, Path] = {}
    for name in RUNTIME_LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"the runtime library {name} is not installed beside casemate")
        origin = Path(spec.origin)
        path = origin.parent if spec.submodule_search_locations else origin
        found[path.name] = path
    if not own:
        found = {name: path for name, path in found.items() if not name.startswith("runtime_client")}
        portable = Path(__file__).parent / "portable" / "runtime_client.py"
        found[portable.name] = portable
    return found


def build(plan: RootPlan) -> None:
    """Mount the root on `plan.base`. The caller is in a mount namespace of its own."""
    base = str(plan.base)
    syscalls.mount("casemate", base, "tmpfs", syscalls.MS_NOSUID, "mode=0755,size=8m")
    _bind_system(plan.base)
    _bind(plan.prefix, plan.base / "var/lang")
    _hide_packages(plan)
    for name, path in libraries(own=plan.own).items():
        _bind(path, plan.base / "var/runtime" / name)
    for name in ("var/task", "opt", "tmp", "proc", "root", "home", EMPTY[1:]):
        (plan.base / name).mkdir(parents=True, exist_ok=True)
    _bind_nodes(plan)
    _write_etc(plan.base)
    _bind_devices(plan.base)
    if plan.ca_bundle is not None:
        _trust(plan.base, plan.ca_bundle)
    if plan.code is not None:
        _bind(plan.code, plan.base / CODE[1:])
        _bind(Path(__file__).parent, plan.base / SANDBOX[1:] / "casemate/execution/sandbox")
    # A visible procfs must remain for an unprivileged user namespace to be allowed a fresh one (mount_too_revealing
    # in the kernel's fs/namespace.c); each environment covers it with its own before any function code runs.
    syscalls.mount("/proc", str(plan.base / "proc"), flags=syscalls.MS_BIND | syscalls.MS_REC)
    _seal_root(plan.base)


def _bind_system(base: Path) -> None:
    """/usr and the directories that are, on most systems today, links into it."""
    _bind(Path("/usr"), base / "usr")
    if Path("/usr/local").is_dir():
        _empty(base / "usr/local")  # what an administrator put there is the host's own
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        host = Path("/") / name
        if host.is_symlink():
            (base / name).symlink_to(host.readlink())
        elif host.is_dir():
            _bind(host, base / name)
    if Path("/nix/store").is_dir():
        _bind(Path("/nix/store"), base / "nix/store")


def _hide_packages(plan: RootPlan) -> None:
    """What is installed into the interpreter, or into the system's own (Debian's dist-packages), is no Lambda runtime's."""
    own = "lib/python{}.{}".format(*plan.version)
    for prefix in ("var/lang", "usr"):
        for packages in (f"{own}/site-packages", f"{own}/dist-packages", "lib/python3/dist-packages"):
            if (plan.base / prefix / packages).is_dir():
                _empty(plan.base / prefix / packages)


def _bind_nodes(plan: RootPlan) -> None:
    """Beside the Python: an environment that runs Node.js sees it in Python's place."""
    for major, program in plan.nodes.items():
        _bind(program, plan.base / NODES[1:] / major / "bin/node")
    _bind(Path(__file__).parent / "node", plan.base / NODES[1:] / "runtime")


def _write_etc(base: Path) -> None:
    etc = base / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "passwd").write_text(
        f"root:x:0:0:root:/root:/sbin/nologin\n{USER}:x:{UID}:{GID}::/home/{USER}:/sbin/nologin\n"
    )
    (etc / "group").write_text(f"root:x:0:\n{USER}:x:{GID}:\n")
    (etc / "hosts").write_text("127.0.0.1 localhost localhost.localdomain sandbox sandbox.localdomain\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    (etc / "resolv.conf").symlink_to("/run/resolv.conf")
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/UTC")
    for name in ("ld.so.cache", "ld.so.conf", "mime.types", "services", "protocols"):
        if (Path("/etc") / name).is_file():
            (etc / name).write_bytes((Path("/etc") / name).read_bytes())


def _bind_devices(base: Path) -> None:
    dev = base / "dev"
    dev.mkdir()
    for name in _DEVICES:
        (dev / name).touch()
        syscalls.mount(f"/dev/{name}", str(dev / name), flags=syscalls.MS_BIND)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        (dev / name).symlink_to(f"/proc/self/fd/{number}")
    (dev / "fd").symlink_to("/proc/self/fd")


def _trust(base: Path, bundle: Path) -> None:
    """The bundle where OpenSSL, the distributions and botocore look for certificates."""
    for place in _CA_PLACES:
        target = base / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bundle.read_bytes())
    target = str(base / "var/runtime/botocore/cacert.pem")
    syscalls.mount(str(bundle), target, flags=syscalls.MS_BIND)
    syscalls.seal(target)  # rootless, the function's user is the owner of the file


def _bind(source: Path, target: Path) -> None:
    """Show `source` at `target`, read-only."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    syscalls.mount(str(source), str(target), flags=syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.seal(str(target))


def _empty(target: Path) -> None:
    syscalls.mount(
        "empty", str(target), "tmpfs", syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV, "size=4k"
    )


def _seal_root(base: Path) -> None:
    """Only the root's own tmpfs: what is mounted on it was sealed one by one, and devices must stay devices."""
    syscalls.mount(
        "", str(base), flags=syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY | syscalls.MS_NOSUID
    )

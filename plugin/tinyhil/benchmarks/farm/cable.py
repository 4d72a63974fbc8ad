"""A serial cable that can be pulled: ``python -m tinyhil.benchmarks.farm.cable PORT LINK``.

A port of its own, which LINK leads to, carries what PORT says, and the other way. When this process
ends, the port is gone, as an adapter's that is unplugged; the next one has another number.
"""

from __future__ import annotations

import os
import selectors
import sys
import tty
from pathlib import Path


def carry(port: str, link: Path) -> None:
    """Carry until one end is gone; says ``ready`` when the link leads there."""
    board = os.open(port, os.O_RDWR | os.O_NOCTTY)
    far, near = os.openpty()
    tty.setraw(board)
    tty.setraw(near)  # Kept open: else a client that leaves would look as the end of the board.
    draft = link.with_suffix(".new")
    draft.symlink_to(os.ttyname(near))
    draft.rename(link)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        for end, other in ((board, far), (far, board)):
            selector.register(end, selectors.EVENT_READ, other)
        while True:
            for key, _ in selector.select():
                data = os.read(key.fd, 1 << 14)
                while data:
                    data = data[os.write(key.data, data) :]


if __name__ == "__main__":
    carry(sys.argv[1], Path(sys.argv[2]))

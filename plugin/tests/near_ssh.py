"""A program in the place of ssh that never leaves this host: the near ends of its tunnels are the
far ones. It is called as ssh is, and ends like it."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command of the last argument, on the TCP ports that were to be carried here."""
    *options, host, command = sys.argv[1:]
    if host == "nowhere":
        sys.exit("ssh: connect to host nowhere port 22: No route to host")
    for option in options:
        if option.startswith("-L"):
            _, near, _, far = option[2:].split(":")
            command = command.replace(f"-number={far}", f"-number={near}")
    os.execv("/bin/sh", ["sh", "-c", f"exec {command}"])  # noqa: S606 - as sshd does


if __name__ == "__main__":
    main()

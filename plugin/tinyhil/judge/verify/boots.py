"""Boots of the device in a raw log."""

from __future__ import annotations

from tinyhil.judge.verify.transfers import Transfer

_BANNER = b"m-init-done"
_IDENTIFIES = b"hil info%"
"""Asked each time that the host wants to know who it talks to; not again in that session."""


class BootWatch:
    """Looks at the transfers of one log, in their order."""

    def __init__(self) -> None:
        self.boots: list[int] = []
        """Lines of banners after the last identification of an opened port: before it, flashing
        and proving make the device boot."""
        self._settled = 0  # how many of them came before the port was opened last
        self._tail = b""
        self._seconds = float("inf")

    def saw(self, transfer: Transfer) -> None:
        """Take the next transfer."""
        if transfer.seconds < self._seconds:
            self._settled = len(self.boots)
            self._tail = b""
        self._seconds = transfer.seconds
        if transfer.to_device:
            if transfer.data.endswith(_IDENTIFIES):
                del self.boots[self._settled :]
            return
        came = self._tail + transfer.data
        if _BANNER in came:
            self.boots.append(transfer.line)
            came = came.rpartition(_BANNER)[2]
        self._tail = came[-len(_BANNER) + 1 :]

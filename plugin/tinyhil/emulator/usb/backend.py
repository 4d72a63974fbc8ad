"""A host's USB with the probes of emulated boards plugged in, for pyusb, and so for pyOCD.

pyOCD finds USB devices through pyusb, and its backend through libusb_package. There, `plug_in` puts
a backend that has the emulated probes beside what the stock one has; where none runs, it is not in
the way at all. Everything above, from the descriptors on, is pyOCD's own code.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import libusb_package
from usb.backend import IBackend
from usb.core import USBError, USBTimeoutError

from tinyhil.emulator.gdb import StubLostError
from tinyhil.emulator.runtime import BOARD_FILE, live_folders
from tinyhil.emulator.usb.wire import UnpluggedError

if TYPE_CHECKING:
    from tinyhil.emulator.registry import RunningBoard
    from tinyhil.emulator.usb.dap_v2 import Probe

_OUT, _IN = 0x01, 0x81
# fmt: off
_DEVICE: dict[str, Any] = {
    "bLength": 18, "bDescriptorType": 1, "bcdUSB": 0x0200, "bcdDevice": 0x0100,
    "bDeviceClass": 0, "bDeviceSubClass": 0, "bDeviceProtocol": 0, "bMaxPacketSize0": 64,
    "idVendor": 0x1209, "idProduct": 0x0001,  # of pid.codes, for tests within four walls
    "iManufacturer": 1, "iProduct": 2, "iSerialNumber": 3, "bNumConfigurations": 1,
    "bus": 0, "speed": 3,
}
_CONFIGURATION: dict[str, Any] = {
    "bLength": 9, "bDescriptorType": 2, "wTotalLength": 32, "bNumInterfaces": 1,
    "bConfigurationValue": 1, "iConfiguration": 0, "bmAttributes": 0x80, "bMaxPower": 50,
    "extra_descriptors": [], "extralen": 0,
}
_INTERFACE: dict[str, Any] = {
    "bLength": 9, "bDescriptorType": 4, "bInterfaceNumber": 0, "bAlternateSetting": 0,
    "bNumEndpoints": 2, "bInterfaceClass": 0xFF, "bInterfaceSubClass": 0,  # the maker's own
    "bInterfaceProtocol": 0, "iInterface": 4, "extra_descriptors": [], "extralen": 0,
}
_ENDPOINT: dict[str, Any] = {
    "bLength": 7, "bDescriptorType": 5, "bmAttributes": 2, "wMaxPacketSize": 512,  # bulk
    "bInterval": 0, "bRefresh": 0, "bSynchAddress": 0, "extra_descriptors": [], "extralen": 0,
}
# fmt: on
_LANGUAGE = b"\x09\x04"
_GET_DESCRIPTOR, _STRING = 6, 3


class EmulatedDevice:
    """A probe at the bus, and what is open of it."""

    def __init__(self, board: RunningBoard, address: int) -> None:
        self.board = board
        self.address = address
        self.probe: Probe | None = None
        self._strings = ("", "tinyhil", "emulated CMSIS-DAP", board.probe_uid, "CMSIS-DAP v2")
        self._claimed = ExitStack()
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._gone = False

    def string(self, number: int) -> bytes:
        """A string descriptor."""
        if number >= len(self._strings):
            raise USBError("no such string", errno=errno.EPIPE)
        text = self._strings[number].encode("utf-16le") if number else _LANGUAGE
        return bytes([len(text) + 2, _STRING]) + text

    def claim(self) -> None:
        """Take the interface, unless another process has it.

        Raises:
            USBError: it is taken, or the board is gone.
        """
        from tinyhil.emulator.usb.dap_v2 import Probe  # noqa: PLC0415 - it brings pydantic

        with ExitStack() as undo:
            try:
                lock = os.open(self.board.folder / BOARD_FILE, os.O_RDONLY)
                undo.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise USBError("in use by another debugger", errno=errno.EBUSY) from error
            except OSError as error:
                raise USBError("no such device", errno=errno.ENODEV) from error
            self.probe = Probe(self.board)
            undo.callback(self.probe.close)
            self._claimed = undo.pop_all()

    def release(self) -> None:
        """Give the interface back; harmless when that is done already."""
        self.probe = None
        self._claimed.close()

    def write(self, data: bytes) -> None:
        """A packet to the probe; its answer waits to be read.

        Raises:
            USBError: the probe is not there any more.
        """
        if self._gone or self.probe is None:
            raise _gone()
        if not data:  # ends a transfer whose last packet is full
            return
        try:
            queued = None if data[0] == 0x7E else self.probe.queued_answer()
            for answer in (queued, self.probe.answer(data)):
                if answer is not None:
                    self._answers.put(answer)
        except (UnpluggedError, StubLostError) as error:
            self._gone = True
            self._answers.put(None)
            self.release()
            raise _gone(str(error)) from error

    def read(self, timeout_ms: int) -> bytes:
        """The oldest answer.

        Raises:
            USBTimeoutError: none comes in time.
            USBError: the probe is not there any more.
        """
        try:
            answer = self._answers.get(timeout=max(timeout_ms, 1) / 1000)
        except queue.Empty:
            raise USBTimeoutError("timeout", errno=errno.ETIMEDOUT) from None
        if answer is None:
            raise _gone()
        return answer


def _gone(why: str = "") -> USBError:
    text = f"no such device ({why})" if why else "no such device"
    return USBError(text, errno=errno.ENODEV)


class EmulatedUsb(IBackend):  # type: ignore[misc]  # pyusb has no type hints
    """A bus with nothing but emulated probes; a device is its own handle."""

    def __init__(self, boards: list[RunningBoard]) -> None:
        self._devices = [EmulatedDevice(board, k + 1) for k, board in enumerate(boards)]

    def enumerate_devices(self) -> Iterator[EmulatedDevice]:
        yield from self._devices

    def get_parent(self, dev: EmulatedDevice) -> None:
        """None: it is at the root."""

    def get_device_descriptor(self, dev: EmulatedDevice) -> SimpleNamespace:
        place = {"address": dev.address, "port_number": dev.address, "port_numbers": (dev.address,)}
        return SimpleNamespace(**_DEVICE, **place)

    def get_configuration_descriptor(self, dev: EmulatedDevice, config: int) -> SimpleNamespace:
        _only_first(config)
        return SimpleNamespace(**_CONFIGURATION)

    def get_interface_descriptor(
        self, dev: EmulatedDevice, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        _only_first(intf, alt, config)
        return SimpleNamespace(**_INTERFACE)

    def get_endpoint_descriptor(
        self, dev: EmulatedDevice, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        _only_first(intf, alt, config)
        return SimpleNamespace(**_ENDPOINT, bEndpointAddress=(_OUT, _IN)[ep])

    def open_device(self, dev: EmulatedDevice) -> EmulatedDevice:
        return dev

    def close_device(self, dev_handle: EmulatedDevice) -> None:
        dev_handle.release()

    def get_configuration(self, dev_handle: EmulatedDevice) -> int:
        return int(_CONFIGURATION["bConfigurationValue"])

    def set_configuration(self, dev_handle: EmulatedDevice, config_value: int) -> None:
        """Nothing: there is one."""

    def claim_interface(self, dev_handle: EmulatedDevice, intf: int) -> None:
        dev_handle.claim()

    def release_interface(self, dev_handle: EmulatedDevice, intf: int) -> None:
        dev_handle.release()

    def bulk_write(
        self, dev_handle: EmulatedDevice, ep: int, intf: int, data: Any, timeout: int
    ) -> int:
        dev_handle.write(bytes(data))
        return len(data)

    def bulk_read(
        self, dev_handle: EmulatedDevice, ep: int, intf: int, buff: Any, timeout: int
    ) -> int:
        return _copy(dev_handle.read(timeout), buff)

    def ctrl_transfer(
        self,
        dev_handle: EmulatedDevice,
        kind: int,
        request: int,
        value: int,
        index: int,
        data: Any,
        timeout: int,
    ) -> int:
        if request != _GET_DESCRIPTOR or value >> 8 != _STRING:
            raise USBError("not a request that this device knows", errno=errno.EPIPE)
        return _copy(dev_handle.string(value & 0xFF), data)

    def is_kernel_driver_active(self, dev_handle: EmulatedDevice, intf: int) -> bool:
        return False


class BothUsb(IBackend):  # type: ignore[misc]
    """Emulated probes first, then the devices of the machine itself.

    pyusb hands each method a device, or a handle of one: that says whose it is.
    """

    def __init__(self, ours: EmulatedUsb, stock: IBackend) -> None:
        self._ours = ours
        self._stock = stock

    def enumerate_devices(self) -> Iterator[Any]:
        yield from self._ours.enumerate_devices()
        yield from self._stock.enumerate_devices()


def _routed(name: str) -> Callable[..., Any]:
    def call(self: BothUsb, device: Any, *arguments: Any) -> Any:
        whose = self._ours if isinstance(device, EmulatedDevice) else self._stock
        return getattr(whose, name)(device, *arguments)

    return call


for _name in vars(IBackend):
    if not _name.startswith("_") and _name != "enumerate_devices":
        setattr(BothUsb, _name, _routed(_name))


def _only_first(*numbers: int) -> None:
    """There is one of each.

    Raises:
        IndexError: as pyusb expects it after the last.
    """
    if any(numbers):
        raise IndexError


def _copy(data: bytes, buffer: Any) -> int:
    data = data[: len(buffer)]
    buffer[: len(data)] = array.array("B", data)
    return len(data)


def plug_in() -> None:
    """Have pyOCD's USB show the emulated probes, in this process; harmless when done already."""
    stock = libusb_package.get_libusb1_backend
    if getattr(stock, "with_emulated_probes", False):
        return

    def backend() -> IBackend | None:
        there, boards = stock(), usb_boards()
        if not boards:
            return there
        ours = EmulatedUsb(boards)
        return BothUsb(ours, there) if there else ours

    backend.with_emulated_probes = True  # type: ignore[attr-defined]
    vars(libusb_package)["get_libusb1_backend"] = backend


def usb_boards() -> list[RunningBoard]:
    """Boards of this user that run and have such a probe; never raises."""
    if not live_folders():
        return []
    from tinyhil.emulator.registry import running_boards  # noqa: PLC0415 - it brings pydantic

    return [board for board in running_boards() if board.probe == "cmsis-dap"]

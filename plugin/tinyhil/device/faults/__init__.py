"""Faults on purpose: a link that damages what passes through it, so that a bench can be tested.

What breaks, and how often, is a short text of ``key=value`` parts with commas between them, as
``--hil-faults`` takes it::

    every=5000                                  all kinds of a bad wire, both ways, seed 0
    seed=7,every=20000,kinds=drop+flip          lost and changed bytes, one fault in 20000 bytes
    kinds=disconnect,direction=in,first=4000,limit=1    the port goes away once, after 4000 bytes
    kinds=delay,hold_ms=3000                    answers that come later than they are waited for
    kinds=probe-unplug,first=25000,every=1      the debug probe is pulled out while it programs

The keys, each of which may be left out:

========== ========================================================================== ============
key        meaning                                                                    default
========== ========================================================================== ============
seed       of the random numbers, 0 to 4294967295; the same one, the same faults      0
every      bytes from one fault to the next in a direction, on average                20000
kinds      which, with ``+`` between them                                             all of a wire
direction  ``out`` (to the device), ``in`` (from it) or ``both``                      both
first      bytes at the start of each direction that pass without faults                0
limit      faults in each direction, at most                                          none
hold_ms    longest time that bytes are held back, in ms (delay, reorder)              200
========== ========================================================================== ============

The kinds of a bad wire:

========== ===================================================================================
drop       up to 63 bytes are lost
flip       a byte, or a few, change: one bit, any other byte, or another digit or letter, so
           that a line of text still looks well
duplicate  up to 63 bytes come twice
reorder    up to 63 bytes come after those that follow them
delay      everything waits for up to ``hold_ms``
split      up to 63 bytes come one by one
truncate   the rest of a line, command or frame is lost, at most 1100 bytes
========== ===================================================================================

and those that end a connection: ``disconnect`` (the port is gone), ``reset`` (the device
restarts in the middle of it), ``death`` (the device ends for good).

And those that break the board in a way of which one thing alone brings it back, to test recovery
(``--hil-recover``). They work on one board after the other, so give them a ``limit``; those of the
core need its probe, so that frames must take the serial port (``--hil-link serial``):

========== ============================================================ ======================
kind       what happens                                                 what helps
========== ============================================================ ======================
mute       nothing comes from the device any more, for ``hold_ms``      to wait
noise      all that comes is garbage                                    to open the port again
hang       the core runs in a circle                                    a reset
corrupt    the board holds an image that does not get past its start    to flash it again
freeze     core, port and probe stand still, on an emulated board       to cycle its power
death      the board ends for good, on an emulated board                nothing
========== ============================================================ ======================

The kinds of a debug probe happen between it and its chip, on emulated boards whose probe is
``cmsis-dap``. Each meets one transfer, and ``every`` and ``first`` count transfers:

============= ================================================================================
probe-wait    the chip answers WAIT, up to 300 times; the probe repeats as it was told to
probe-fault   the chip answers FAULT, and its error flag stays set
probe-parity  the data comes with a wrong parity bit
probe-unplug  the probe is pulled out; it is there again when it is looked for again
probe-slow    the answer comes up to ``hold_ms`` later
probe-read    two bits of what is read change, which a parity bit does not show
probe-write   two bits of what is written change
============= ================================================================================

Where a fault happens depends on the seed and on the number of bytes that have passed in its
direction, never on how they were cut into reads and writes, nor on time. Two things do depend on
time, as they must: when held bytes come, and whether bytes that are to be swapped were followed
by others at all; if not, they come alone after their time.
"""

from tinyhil.device.fault_spec import (
    KINDS,
    PROBE_KINDS,
    SPEC_HELP,
    WIRE_KINDS,
    Direction,
    Kind,
    ProbeKind,
    Spec,
    parse_spec,
)
from tinyhil.device.faults.link import FaultyLink, Injector
from tinyhil.device.faults.probe import ProbeFault, ProbeFaults
from tinyhil.device.faults.stream import Fault

__all__ = [
    "KINDS",
    "PROBE_KINDS",
    "SPEC_HELP",
    "WIRE_KINDS",
    "Direction",
    "Fault",
    "FaultyLink",
    "Injector",
    "Kind",
    "ProbeFault",
    "ProbeFaults",
    "ProbeKind",
    "Spec",
    "parse_spec",
]

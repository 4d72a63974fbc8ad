"""Debug probes of emulated boards as USB devices (CMSIS-DAP v2), below pyOCD's own driver.

`backend` is a host's USB with these devices in it, `dap_v2` the probe's firmware, `wire` what lies
between the probe and the chip, and `trouble` what may go wrong there on purpose.
This file stays empty: every ``pyocd`` command imports the package.
"""

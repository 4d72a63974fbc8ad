"""Emulated boards: QEMU plays the board, with a virtual debug probe for stock pyOCD.

`qemu` starts and stops, `registry` knows what runs on this machine, `probe` is pyOCD's plugin.
This file stays empty: every ``pyocd`` command imports the package to find the plugin.
"""

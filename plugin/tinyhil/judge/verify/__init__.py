"""Checks a record (`run.verify`): every metric and verdict from the raw bytes up, and the seal.

The raw logs hold what a device sent and was sent; it is decoded here a second time, independent
of the code that measured but for one thing: which message a line of text is. Each row must be an
answer of the device to the bytes of its sample, each answer must be in a row, each figure must
follow from the rows, each verdict from the limits, and each file must be as it was sealed. A run's
folder may come from anywhere: nothing in it is trusted, run or followed.

What it can't see: a folder that was forged completely, with its raw bytes, by someone who knows
the protocol.
"""

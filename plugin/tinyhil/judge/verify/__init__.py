"""Checks a record (`run.verify`): every metric and verdict from the raw bytes up, and the seal.

What a device sent and was sent stands in the raw logs; it is decoded here a second time, beside
the code that measured. Each row must be an answer of the device to the bytes of its sample, each
answer must be in a row, each figure must follow from the rows, each verdict from the limits, and
each file must be as it was sealed. A run's folder may come from anywhere: nothing in it is
believed, run or followed.

What it can't see: a folder that was forged as a whole, raw bytes and all, by someone who speaks
the protocol.
"""

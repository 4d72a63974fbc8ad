"""Boards of other hosts: a program of ours there serves probe and port, ssh carries them here.

`agent` is that program's part, `tunnel` is ours.
"""

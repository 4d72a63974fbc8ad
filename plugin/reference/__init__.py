"""The documentation's reference, made from the code whenever the site is built (``make docs``).

Not a part of the installed package. `hook` joins these pages with those of ``docs/``.
"""

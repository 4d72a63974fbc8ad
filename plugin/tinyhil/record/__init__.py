"""The record of a run: a folder that only grows, written as measured and flushed.

``run.json`` says what the run is, ``record.jsonl`` holds one line a measurement, ``raw/`` every
byte of every link and every answer of the device as it came; a killed run keeps what it had, and
can be continued later. What is in each file: reports/RECORD.md.
"""

from tinyhil.record.configuration import Configuration
from tinyhil.record.description import ImageSizes, JobFacts, KeptSums
from tinyhil.record.entry import FAULTS_MARK, Entry, Subject
from tinyhil.record.folder import Record
from tinyhil.record.schema import SCHEMA

__all__ = [
    "FAULTS_MARK",
    "SCHEMA",
    "Configuration",
    "Entry",
    "ImageSizes",
    "JobFacts",
    "KeptSums",
    "Record",
    "Subject",
]

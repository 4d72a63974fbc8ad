"""A device under test and how it is talked to: links, protocol, session, queries, raw log."""

"""A device under test and how to talk to it: links, protocol, session, queries, raw log."""

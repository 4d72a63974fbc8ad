"""The report that a person reads: one HTML file of our own, made of records, without Node."""

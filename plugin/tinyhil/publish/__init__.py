"""What is made of records for people: report, results table, submission, page of a model."""

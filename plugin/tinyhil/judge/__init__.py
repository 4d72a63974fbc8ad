"""What a record is worth: `verify` makes its figures again, `gate` compares it with a baseline."""

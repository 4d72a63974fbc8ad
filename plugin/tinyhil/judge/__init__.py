"""How good a record is: `verify` computes its figures again, `gate` compares it with a baseline."""

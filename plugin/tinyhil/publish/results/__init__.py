"""The results table, made from runs and from submission trees."""

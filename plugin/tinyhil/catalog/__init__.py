"""Facts: boards, tasks, benches, the benchmark's rules and metrics, limits, units."""

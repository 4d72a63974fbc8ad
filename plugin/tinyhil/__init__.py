"""tinyhil: MLPerf Tiny on microcontroller boards under pytest."""

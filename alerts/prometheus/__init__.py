"""Rule files and unit-test files of Prometheus, read so that our engine can be held to a peer's own tests."""

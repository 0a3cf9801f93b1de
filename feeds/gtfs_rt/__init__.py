"""The parts of the GTFS-Realtime adapter; `feeds/gtfs_realtime.py` is its door."""

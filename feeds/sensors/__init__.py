"""The parts of `feeds/sensorthings.py`."""

"""The parts of `feeds/mapping.py`: what a mapping may say, and how one value is read."""

"""Walls: what each wall screen shows, page by page, read from one YAML file."""

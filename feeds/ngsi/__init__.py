"""The parts of `feeds/ngsi_ld.py`: reading entities in all their shapes, and the mappings we bring along."""

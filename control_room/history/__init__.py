"""What the control room remembers of the city: rollups of measures, facts, thinned positions (docs/history.md)."""

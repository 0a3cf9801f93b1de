"""What the GBFS adapter is made of: the envelope and its versions, vehicles, stations."""

"""What the static GTFS adapter is made of: the archive, its tables, the service day."""

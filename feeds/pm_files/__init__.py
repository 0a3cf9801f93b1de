"""Performance files of radio networks: the readers and the counters behind the adapter `pm_xml`."""

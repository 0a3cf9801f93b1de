"""Parts of the DCAT adapter: JSON-LD nodes, and how often a dataset promises to be renewed."""

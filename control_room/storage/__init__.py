"""What outlives the process: the journal, its database and its copy elsewhere (docs/decisions/0009-journal.md)."""

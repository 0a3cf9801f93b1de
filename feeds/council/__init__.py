"""What the adapters of council services share: words of status, rows of requests, free text kept out."""

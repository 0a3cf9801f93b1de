"""Parts of the DATEX II adapter: reading a publication, and what one record says."""

"""What the SIRI adapters share: documents in SIRI's words, activities in the city's."""

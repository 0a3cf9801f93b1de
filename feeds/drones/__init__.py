"""What the adapters of the air share: bodies of JSON, numbers, heights, shapes and periods."""

"""Parts of the Street Manager adapter: how notices land, and what one says."""

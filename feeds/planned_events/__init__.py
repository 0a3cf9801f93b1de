"""Parts of the events adapter: iCalendar, schema.org JSON, and what one event says."""

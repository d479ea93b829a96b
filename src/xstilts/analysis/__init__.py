"""From scores, distances and records to everything the report shows, and to claims."""

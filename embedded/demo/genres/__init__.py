"""One arrangement for each genre."""

"""The services' repositories on SQLite: one file for each service, no server to install."""

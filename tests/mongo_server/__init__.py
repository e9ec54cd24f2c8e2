"""A server that speaks MongoDB's wire protocol, for machines on which no mongod can be installed."""

"""The gateway over real sockets, before services that behave well and badly."""

"""gRPC over Unix sockets as grpc-go does it: a client connection, a server, its error texts."""

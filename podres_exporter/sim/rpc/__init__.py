"""gRPC over Unix sockets with grpc-go's behaviour: client connection, server, error messages."""

"""What `check` asks the socket, the kubelet and the API server for its evidence."""

"""The objects of the simulated cluster: stored, versioned, and followed by watches."""

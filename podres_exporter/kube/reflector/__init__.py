"""List and watch one kind of objects, and begin again after failures: client-go's Reflector for one node."""

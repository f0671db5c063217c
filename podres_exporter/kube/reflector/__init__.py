"""List and watch one kind of objects, and retry after failures, like client-go's Reflector."""

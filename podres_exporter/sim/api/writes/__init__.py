"""Create, patch and delete objects: validation, defaults, graceful deletion."""

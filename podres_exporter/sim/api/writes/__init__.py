"""Objects that clients create, change and delete, and what the API server makes of them before it stores them."""

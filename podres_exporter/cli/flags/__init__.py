"""Command-line flags: definitions, the parser, and flags turned into requests."""

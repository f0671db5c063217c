"""Text for people: amounts, lists, tables, colours and verdicts, shared by all outputs."""

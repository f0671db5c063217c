"""Text for people: amounts, lists, tables, colours and verdicts, the same wherever they are shown."""

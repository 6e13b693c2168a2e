"""Column contracts of the tables that stages exchange, one module a table."""

"""The database through SQLAlchemy Core: SQLite now, on a schema that PostgreSQL takes unchanged."""

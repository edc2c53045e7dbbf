"""PostgreSQL, embedded or external: connections, migrations, and the queries of each concern.

Every SQL statement has a name and lives here; nothing is decided in SQL.
"""

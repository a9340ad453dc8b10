"""The history of the database: one revision a change of the tables, applied in order by `config.migrate`."""

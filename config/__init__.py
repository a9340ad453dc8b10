"""What is the process told from outside: settings, the clock, the database, logs, rule packs and PBX templates."""

"""What the PostgreSQL backends share: connections, transactions, migrations."""

"""May this person be rung now? The gate, its rules and its ledger."""

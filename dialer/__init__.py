"""The call floor: campaigns, leads, agents, the engine that dials, and the commands people type."""

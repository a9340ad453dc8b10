"""What can happen to a call, and how is it asked for? Events, the call state machine, and the PBXs behind one port."""

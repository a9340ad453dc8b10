"""Ids of calls, attempts and rows: 32 hex digits, sortable by time of making.

All ids have one length because Asterisk refuses a ChannelId that is a prefix of a live one, and hide nothing about
the customer because they travel in SIP, file names and logs.
"""

import secrets
from datetime import datetime

ID_LENGTH = 32


def new_id(now: datetime) -> str:
    """A fresh id: 48 bits of Unix milliseconds of `now`, then 80 random bits (the layout of UUIDv7, RFC 9562)."""
    return f"{int(now.timestamp() * 1000) & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(10)}"

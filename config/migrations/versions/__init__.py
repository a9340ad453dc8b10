"""The revisions, numbered; what was released is never edited."""

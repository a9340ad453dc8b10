"""Where is what quality assurance knows? Plans, samples, forms, reviews with their histories, calibrations, and what is tagged.

The rule it protects: rows are added and stay. What changes in `qa_review` is what its events say, kept beside them to be sought
by; a calibration is closed once; everything else is never written twice, but for the words that go with a customer who asked to
be forgotten (`forgetting`).
"""

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from config.database import Base, UtcDateTime

_CALL = String(64)
_WHO = String(64)
_ID = String(32)

qa_scorecard = Table(
    "qa_scorecard",
    Base.metadata,
    Column("sha256", String(64), primary_key=True),
    Column("scorecard_id", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", _WHO, nullable=False),
    UniqueConstraint("scorecard_id", "version"),
)

qa_plan = Table(
    "qa_plan",
    Base.metadata,
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("plan_json", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", _WHO, nullable=False),
)

qa_draw = Table(
    "qa_draw",
    Base.metadata,
    Column("draw_id", _ID, primary_key=True),
    Column("plan", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("seed", String(128), nullable=False),
    Column("population_sha256", String(64), nullable=False),  # of every call that could have been drawn, with its weight
    Column("scorecard_sha256", String(64), ForeignKey("qa_scorecard.sha256"), nullable=False),
    Column("drawn_at", UtcDateTime, nullable=False),
    Column("drawn_by", _WHO, nullable=False),
    UniqueConstraint("plan", "since"),
)

#: How many calls there were to draw from, counted so that any average can be told with its coverage.
qa_cell = Table(
    "qa_cell",
    Base.metadata,
    Column("draw_id", _ID, ForeignKey("qa_draw.draw_id"), primary_key=True),
    Column("agent_id", String(64), primary_key=True),
    Column("team", String(64), primary_key=True),
    Column("campaign", String(64), primary_key=True),
    Column("calls", Integer, nullable=False),
)

qa_review = Table(
    "qa_review",
    Base.metadata,
    Column("review_id", _ID, primary_key=True),
    Column("call_id", _CALL, nullable=False),
    Column("draw_id", _ID, ForeignKey("qa_draw.draw_id")),  # none: named by somebody, and in no average
    Column("probability", Double),  # with which the call was drawn
    Column("stratum_json", Text, nullable=False),
    Column("scorecard_sha256", String(64), ForeignKey("qa_scorecard.sha256"), nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("agents_json", Text, nullable=False),  # everybody who was on the call
    Column("team", String(64), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),  # the call's answer
    Column("appeal_days", Integer, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    # As the events have it:
    Column("state", String(16), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("assigned", _WHO, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("holder", _WHO, nullable=False),
    Column("reviewer", _WHO, nullable=False),
    Column("decided_by", _WHO, nullable=False),
    Column("appeal_until", UtcDateTime),
    Column("appealed", Boolean, nullable=False),
    Column("changed", Boolean, nullable=False),  # on appeal
    Column("total", Double),  # percent, in force; none of a review that was withdrawn
    Column("passed", Boolean),
    Column("score_json", Text),
    UniqueConstraint("draw_id", "call_id"),
    Index(None, "state", "due_at"),
    Index(None, "agent_id", "started_at"),
    Index(None, "call_id"),
    Index(None, "total"),
)

qa_review_event = Table(
    "qa_review_event",
    Base.metadata,
    Column("review_id", _ID, ForeignKey("qa_review.review_id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", _WHO, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("facts_json", Text, nullable=False),
)

qa_calibration = Table(
    "qa_calibration",
    Base.metadata,
    Column("calibration_id", _ID, primary_key=True),
    Column("title", String(100), nullable=False),
    Column("scorecard_sha256", String(64), ForeignKey("qa_scorecard.sha256"), nullable=False),
    Column("reviewers_json", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("opened_by", _WHO, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("closed_by", _WHO, nullable=False),
)

qa_calibration_call = Table(
    "qa_calibration_call",
    Base.metadata,
    Column("calibration_id", _ID, ForeignKey("qa_calibration.calibration_id"), primary_key=True),
    Column("call_id", _CALL, primary_key=True),
)

qa_calibration_score = Table(
    "qa_calibration_score",
    Base.metadata,
    Column("calibration_id", _ID, ForeignKey("qa_calibration.calibration_id"), primary_key=True),
    Column("call_id", _CALL, primary_key=True),
    Column("reviewer", _WHO, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("marks_json", Text, nullable=False),
)

#: What people noted about calls and agents: best calls, complaints of customers, coaching. Taking back is a row too.
qa_note = Table(
    "qa_note",
    Base.metadata,
    Column("note_id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("call_id", _CALL, nullable=False),  # '' for none
    Column("agent_id", String(64), nullable=False),
    Column("tag", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("from_ms", Integer),
    Column("at", UtcDateTime, nullable=False),
    Column("who", _WHO, nullable=False),
    Column("takes_back", Integer, ForeignKey("qa_note.note_id")),
    Index(None, "kind", "call_id"),
    Index(None, "kind", "agent_id"),
)

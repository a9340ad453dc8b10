"""Quality assurance, from the command line: which calls are judged, by whom, on which form, and what may be said from them."""

import click

from dialer.cli.lazy import Elsewhere, LazyGroup

COMMANDS = {
    "accept": Elsewhere("dialer.cli.qa_answers:accept", "Accept the score of REVIEW, as the agent it is about."),
    "appeal": Elsewhere("dialer.cli.qa_answers:appeal", "Appeal against the score of REVIEW, as the agent it is about."),
    "assign": Elsewhere("dialer.cli.qa_queue:assign", "Tell somebody off for REVIEW, or with --nobody nobody any more."),
    "calibrate": Elsewhere(
        "dialer.cli.qa_calibrations:calibrate", "Calibrations: several reviewers score the same calls, each alone; do they agree?"
    ),
    "claim": Elsewhere("dialer.cli.qa_queue:claim", "Take REVIEW, or the one that is due first; nobody else has it then."),
    "coach": Elsewhere("dialer.cli.qa_notes:coach", "Coaching: what an agent was told, of a call or in general."),
    "complaint": Elsewhere("dialer.cli.qa_notes:complaint", "Note that the customer complained of CALL_ID."),
    "decide": Elsewhere("dialer.cli.qa_answers:decide", "Decide on an appeal, as another person than the first reviewer."),
    "library": Elsewhere("dialer.cli.qa_notes:library", "The best calls: to learn from, tagged with what for."),
    "open": Elsewhere("dialer.cli.qa_queue:open_review", "Have CALL_ID reviewed, for a reason; it counts in no average."),
    "plan": Elsewhere(
        "dialer.cli.qa_plans:plan", "Sampling plans: which calls are drawn for review, and the samples drawn so far."
    ),
    "queue": Elsewhere("dialer.cli.qa_queue:queue", "The reviews you may see, those due first at the top."),
    "release": Elsewhere("dialer.cli.qa_queue:release", "Give REVIEW back unscored, for somebody else to take."),
    "report": Elsewhere(
        "dialer.cli.qa_reports:report", "Averages with how many calls they rest on, how much that covers, and how sure they are."
    ),
    "score": Elsewhere(
        "dialer.cli.qa_scores:score", "Score REVIEW, or the one that is due first: asked item by item, or from options."
    ),
    "scorecard": Elsewhere("dialer.cli.qa_scorecards:scorecard", "Scorecards: the forms on which calls are judged."),
    "show": Elsewhere(
        "dialer.cli.qa_queue:show", "All of REVIEW: where it stands, the score, the remarks, everything that was done."
    ),
    "withdraw": Elsewhere("dialer.cli.qa_queue:withdraw", "End REVIEW without a score that counts: it cannot be reviewed."),
}


@click.group("qa", cls=LazyGroup, elsewhere=COMMANDS)
def qa() -> None:
    """Quality assurance: draw calls, score them on forms, hear appeals, calibrate, report."""

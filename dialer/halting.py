"""What follows from how many calls a campaign abandoned: headroom for the pace, an alert near a limit, and a stop above it.

The rule it protects: a campaign over a limit places no more calls until somebody has reviewed it (16 CFR 310.4(b)(4)(i) and its
like). After a review only an abandoned call that is later than it stops the campaign again: with an agent for every call
the rate can then come down. Calls that are up go on. Pure: the service reads the ledger and writes the stop down.
"""

from dataclasses import replace

from compliance.budget import Budget, BudgetState, worst
from dialer.assignment import Step
from dialer.floor import Alert, AlertKind, BudgetsMeasured, CampaignView, Floor, Halt


def measured(floor: Floor, item: BudgetsMeasured) -> Step:
    """The floor after a measurement. A campaign that does not run any more, or not yet, is left as it is."""
    campaign = floor.campaigns.get(item.campaign_id)
    if campaign is None:
        return floor, ()
    if item.budgets is None:
        return _with(floor, replace(campaign, measured=False)), ()
    stopping = worst(one for one in item.budgets if _stops(campaign, one))
    if stopping is not None:
        left = {key: view for key, view in floor.campaigns.items() if key != item.campaign_id}
        return replace(floor, campaigns=left), (Halt(item.campaign_id, campaign.name, stopping.because, item.at),)
    near = frozenset(one.rule for one in item.budgets if one.state is BudgetState.NEAR)
    lowest = worst(item.budgets)
    headroom = lowest.headroom if lowest is not None else None
    after = replace(campaign, budget=headroom, measured=True, near=near)
    alerts = tuple(
        Alert(AlertKind.ABANDONMENT_NEAR, _nearing(campaign, one), item.at)
        for one in item.budgets
        if one.rule in near - campaign.near
    )
    return _with(floor, after), alerts


def _stops(campaign: CampaignView, budget: Budget) -> bool:
    """Whether the limit is passed, by a call that no review has seen."""
    if budget.state is not BudgetState.OVER or budget.last_abandoned_at is None:
        return False
    return campaign.reviewed_at is None or budget.last_abandoned_at > campaign.reviewed_at


def _nearing(campaign: CampaignView, budget: Budget) -> str:
    """Without the figures, which change from call to call: told again before anybody has seen it, it is the same alert."""
    limit = f"{(budget.limit * 100).normalize():f} %"
    return f"campaign {campaign.name} has nearly abandoned the {limit} that {budget.rule} permits: see `ringfence campaign show`"


def _with(floor: Floor, campaign: CampaignView) -> Floor:
    return replace(floor, campaigns={**floor.campaigns, campaign.campaign_id: campaign})

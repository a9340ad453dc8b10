"""Each row of the outcome table has its disposition; an unknown cause never ends a lead for good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.causes import BY_Q850, BY_SIP_STATUS, SystemDisposition, disposition_of

D = SystemDisposition


@pytest.mark.parametrize(
    ("cause", "tech_cause", "rang", "expected"),
    [
        pytest.param(17, 486, False, D.BUSY, id="486"),
        pytest.param(17, 486, True, D.BUSY, id="183 then 486"),
        pytest.param(19, 480, True, D.NO_ANSWER, id="rings until Timeout"),
        pytest.param(19, 480, False, D.NO_ANSWER, id="480, or no SIP reply until Timeout"),
        pytest.param(1, 404, False, D.INVALID_NUMBER, id="404"),
        pytest.param(21, 403, False, D.REJECTED, id="403"),
        pytest.param(21, 603, False, D.REJECTED, id="603"),
        pytest.param(34, 503, False, D.CONGESTION, id="503"),
        pytest.param(18, 408, False, D.NO_ANSWER, id="no SIP reply for 32 s"),
        pytest.param(16, 0, True, D.NO_ANSWER, id="we hung up while it rang"),
        pytest.param(16, 0, False, D.FAILED, id="we hung up before it rang"),
        pytest.param(None, None, True, D.NO_ANSWER, id="lost from view, may have rung"),
        pytest.param(None, None, False, D.FAILED, id="no leg was made"),
        pytest.param(1, 486, False, D.BUSY, id="the SIP status decides over the Q.850 cause"),
        pytest.param(1, 599, False, D.INVALID_NUMBER, id="an unknown SIP status leaves it to the Q.850 cause"),
        pytest.param(3, 0, False, D.FAILED, id="no route is not the number's fault"),
    ],
)
def test_each_way_to_end_unanswered_has_its_disposition(
    cause: int | None, tech_cause: int | None, rang: bool, expected: SystemDisposition
) -> None:
    assert disposition_of(cause, tech_cause, rang=rang) is expected


@given(
    cause=st.integers(0, 127).filter(lambda cause: cause not in BY_Q850),
    status=st.integers(300, 699).filter(lambda status: status not in BY_SIP_STATUS),
    rang=st.booleans(),
)
def test_what_is_in_no_table_is_never_invalid_number(cause: int, status: int, rang: bool) -> None:
    assert disposition_of(cause, status, rang=rang) is (D.NO_ANSWER if rang else D.FAILED)


@given(cause=st.none() | st.integers(), status=st.none() | st.integers(), rang=st.booleans())
def test_a_network_never_says_machine_or_abandoned(cause: int | None, status: int | None, rang: bool) -> None:
    assert disposition_of(cause, status, rang=rang) not in {D.MACHINE, D.ABANDONED}

"""The advisor page on a machine that a test chooses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.services.advice_follower import AdviceFollower
from app.services.advisor_session import AdvisorSession
from app.services.background import Background
from app.services.cost_session import CostSession
from app.ui.advisor.page import AdvisorPage
from tests.gui.advisor.stand_in import Hands, StandIn


@pytest.fixture
def background(qapp) -> Iterator[Background]:
    made = Background()
    yield made
    made.finish()


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def hands(qapp) -> Hands:
    return Hands()


@pytest.fixture
def session(stand_in, background) -> AdvisorSession:
    return AdvisorSession(stand_in, background)


@pytest.fixture
def follower(hands, background) -> AdviceFollower:
    return AdviceFollower(hands.as_means, background)


@pytest.fixture
def page(qtbot, session, follower, background) -> AdvisorPage:
    made = AdvisorPage(session, follower, CostSession(lambda: (), background))
    qtbot.addWidget(made)
    made.resize(1144, 760)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(lambda: made.view is made.question, timeout=30_000)
    return made

from __future__ import annotations

import pytest

from app.engine_servers.sampling import Sampling


@pytest.mark.parametrize(("temperature", "greedy"), [(0.0, True), (1e-40, True), (0.01, False), (1.0, False)])
def test_what_leaves_nothing_to_chance(temperature, greedy):
    assert Sampling(temperature=temperature).greedy is greedy

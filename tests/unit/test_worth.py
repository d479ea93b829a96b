"""What a gain is worth in target examples, read off a learning curve."""

import pytest

from xstilts.inference.levels import Level
from xstilts.inference.worth import worth_of

CURVE = [(64, 70.0), (128, 74.0), (256, 73.0), (512, 78.0)]


def level(estimate: float, reach: float = 1.0) -> Level:
    return Level(0.0, estimate, estimate - reach, estimate + reach, reach / 2, 4.0, 2)


@pytest.mark.parametrize(
    ("gain", "extra"),
    [(4.0, 64.0), (2.0, 64 * 2**0.5 - 64), (8.0, 448.0), (6.0, 256 * 2**0.5 - 64), (0.0, 0.0), (-3.0, 0.0)],
)
def test_a_gain_is_read_between_two_points_in_log_rows(gain: float, extra: float) -> None:
    found = worth_of(CURVE, level(gain))
    assert found is not None
    assert found.extra == pytest.approx(extra)
    assert found.rows == 64


def test_beyond_the_curve_there_is_no_number() -> None:
    found = worth_of(CURVE, level(7.5))
    assert found is not None
    assert found.extra is not None
    assert found.high is None
    assert found.beyond == 448


def test_a_single_point_tells_nothing() -> None:
    assert worth_of(CURVE[:1], level(2.0)) is None

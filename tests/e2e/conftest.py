# SPDX-License-Identifier: MIT
import pytest

from rig import Redis, Rig, RigError


@pytest.fixture(scope="module")
def rig():
    """One network for the tests of a file; each test starts its own daemon."""
    network = Rig()
    try:
        network.__enter__()
    except RigError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        yield network
    finally:
        network.__exit__()


@pytest.fixture
def redis(rig):
    with Redis(rig) as server:
        yield server.start()

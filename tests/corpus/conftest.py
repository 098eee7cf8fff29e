# SPDX-License-Identifier: MIT
"""The daemon reads every capture twice, for its requests and for its hellos, and no more
often: the tests that look at them share that."""
import pytest

import test_corpus
import test_hellos


@pytest.fixture(scope="session")
def captures():
    return test_corpus.read_captures()


@pytest.fixture(scope="session")
def seen():
    """The hellos of each capture, by its path."""
    return test_hellos.read_captures()

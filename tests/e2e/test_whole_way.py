# SPDX-License-Identifier: MIT
"""The whole way, with nothing of the tests between: the daemon sees a scraper, publishes the
block, trawl-enforce hands it to what refuses, and the daemon sees that it does.

The sensor is on the scraper's link. Times are measured at the scraper.
"""
import pytest

from door import Enforce, Haproxy, Nftables, Nginx
from rig import wait_until
from test_block_state import (IN_TIME, RULES, FrontDaemon, events, first_refused, options,
                              require_state, scrape)


@pytest.mark.parametrize("kind, client", [(Nftables, "203.0.113.20"), (Haproxy, "203.0.113.21"),
                                          (Nginx, "203.0.113.22")])
def test_from_the_threshold_to_the_refusal(rig, redis, kind, client):
    rig.add_client(client)
    with open(rig.path("harvest.yaml"), "w", encoding="utf-8") as file:
        file.write(RULES)
    door, name = kind(rig), kind.__name__.lower()
    door.start()
    try:
        with Enforce(rig, redis, door.options), \
                FrontDaemon(rig, client, *options(rig, redis), port=door.port,
                            journal=f"journal-whole-{name}",
                            rules=rig.path("harvest.yaml")) as daemon:
            wait_until(lambda: redis.ask("HGET", "{trawlwatch}:enforcer:here", "state") == "synced",
                       10, "trawl-enforce")
            requests = scrape(rig, client, 6, door.port)
            wait_until(lambda: len(events(redis, "harvest")) > 1, 10, "the state of the block")
            assert daemon.stop() == 0
    finally:
        door.stop()
    delay = first_refused(requests)
    print(f"{name}: crossing -> first refused request {delay * 1000:.0f} ms at the client")
    assert 0 <= delay <= IN_TIME
    require_state(rig, redis, client, "refused")
    assert not events(redis, "block-ignored")

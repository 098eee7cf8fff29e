# SPDX-License-Identifier: MIT
"""Who owns an address, a session or an account, and whose an alert is.

The rule, in one place:

1. The subject is an address, a session or an account: the alert is of those who have used
   it. Attackers come before traps: an address that both used is the attacker's. When the
   alert names sessions and the attacker has some, one of them must be its own; of several
   attackers that are left it is of the one with the fewest addresses.
2. Anything else (a network, a header shape, a fingerprint, a mailbox, `all`, the accounts of
   one tag, a country): the alert is of the group that has at least half of the addresses
   that it names; of a tag's incident (type `incident`) half of the sessions.
3. Where attackers have half of them, one or all together, it is on attackers: on each group
   that has half of the names, or at least a tenth and three (`shared`, unless one has half alone).
   And where by 1 to 3 it is on attackers, it is on those as well of whose addresses (sessions),
   as far as they were used, the incident's messages have named half by then, three at least: an
   update names who was not named before (score.py).
4. The subject is a whole stratum (a header shape, a version of a browser): of the attackers that
   make up a good part of it (strata.py). Everything else is on people.

An attacker owns what it used from its first use until LINGER after the last that the truth
tells of it: its addresses may be homes, whose people use the site as well. And what is said
of an e-mail address is on those only who have signed up.

5. What is added to an incident that was raised on attackers is no false alarm as long as it
   is about them, or names mostly what an attacker has ever used: they stop, others come by,
   and the incident goes on for the length of its window.

An alert names at most a hundred of each kind, the busiest, in an update those first who were not
named: shares are of those.
"""
import contextlib
import hashlib
import hmac
import ipaddress
from collections import Counter, namedtuple

ATTACKER, TRAP, PEOPLE = "attacker", "trap", "people"

# With -r and no key file the daemon's pseudonyms are under this key (alert/privacy.h).
OFFLINE_KEY = bytes(range(32))
DIRECT = {"session": "session", "account": "account", "client.ip": "address",
          "client.host": "address"}
PART = 0.1
NAMED = 3  # names at least by which an alert that is on others as well finds a group
LINGER = 3600  # seconds

# side: whom the alert is on; groups: their numbers; shared: case 3, or 4 with several
Verdict = namedtuple("Verdict", "side groups shared")


def plain_address(text):
    """One spelling for each address: that of RFC 5952."""
    if ":" not in text:
        return text
    address = ipaddress.ip_address(text)
    return str(address.ipv4_mapped or address)


def pseudonym(key, kind, value):
    """docs/privacy.md"""
    return hmac.new(key, kind.encode() + b"\0" + value.encode(), hashlib.sha256).hexdigest()[:32]


class Owners:
    """Names that groups have used. `key`: the alerts have pseudonyms, made under it."""

    def __init__(self, key=None):
        self.key = key
        self.sides = {}  # group: side
        self.last = {}   # attacker: when it last did something
        self.makers = set()  # groups that have signed up
        self.linger = LINGER
        self.names = {"address": {}, "session": {}, "account": {}}
        self.used = {"address": Counter(), "session": Counter(), "account": Counter()}

    def spelled(self, kind, name):
        """A name of the truth, as alerts have it."""
        if kind == "address":
            return plain_address(name)
        return pseudonym(self.key, kind, name) if self.key else name

    def add(self, group, kind, name):
        known = self.names[kind]
        name = self.spelled(kind, name)
        before = known.get(name, ())
        if group not in before:
            known[name] = before + (group,)
            self.used[kind][group] += 1

    def of(self, kind, name):
        return self.names[kind].get(name, ())

    def only(self, groups, side, alert):
        """Those of the side that the alert may be on."""
        is_of_form = alert["subject"]["type"].startswith("email.")
        return [one for one in groups if self.sides[one] == side and
                alert["t"] <= self.last.get(one, float("inf")) + self.linger and
                (one in self.makers or side != ATTACKER or not is_of_form)]

    @contextlib.contextmanager
    def for_ever(self):
        """An attacker owns what it has ever used (5.)."""
        self.linger = float("inf")
        yield
        self.linger = LINGER

    def verdict(self, alert):
        direct = self.direct(alert["subject"])
        if direct is not None:
            return self.first_side(self.at_the_address(direct, alert), alert)
        return self.by_share(*names_of(alert), alert)

    def at_the_address(self, groups, alert):
        """Of those who used an address, whose the alert can be: homes have other people."""
        sessions = alert["involved"].get("session", {}).get("values", [])
        here = {group for one in sessions for group in self.of("session", one)}
        traps = [one for one in groups if self.sides[one] == TRAP]
        attackers = [one for one in self.only(groups, ATTACKER, alert)
                     if not sessions or not self.used["session"][one] or one in here]
        return sorted(attackers, key=lambda one: self.used["address"][one])[:1] + traps

    def direct(self, subject):
        """Groups that own the subject; None where it is no single name."""
        kinds, values = subject["type"].split("|"), subject["value"].split("|")
        if len(kinds) != len(values):
            return None
        found = None
        for kind, value in zip(kinds, values):
            if kind in DIRECT and "/" not in value:
                found = found or self.of(DIRECT[kind], value)
        return found

    def first_side(self, groups, alert):
        for side in (ATTACKER, TRAP):
            those = self.only(groups, side, alert)
            if those:
                return Verdict(side, those, False)
        return Verdict(PEOPLE, [], False)

    def by_share(self, kind, names, alert):
        counts, of_attackers = Counter(), 0
        for name in names:
            groups = self.of(kind, name)
            counts.update(groups)
            of_attackers += bool(self.only(groups, ATTACKER, alert))
        half = [one for one, count in counts.items() if 2 * count >= len(names)]
        verdict = self.first_side(half, alert)
        if verdict.side != ATTACKER and (not names or 2 * of_attackers < len(names)):
            return verdict
        groups = [one for one in self.only(counts, ATTACKER, alert) if one in half or
                  counts[one] >= max(PART * len(names), NAMED)]
        return Verdict(ATTACKER, groups, len(groups) != 1 or groups[0] not in half)


def names_of(alert):
    """Kind and values by which the alert is somebody's."""
    sessions = alert["involved"].get("session", {}).get("values", [])
    addresses = alert["involved"].get("client.ip", {}).get("values", [])
    if alert["subject"]["type"] == "incident" and sessions or not addresses:
        return "session", sessions
    return "address", addresses

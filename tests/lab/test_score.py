# SPDX-License-Identifier: MIT
"""The score of alerts against the truth, both made up."""
import pytest

from made_up import MIDNIGHT, Truth, alert
from lab import bounds, figures, goals, names, score

# ---- bounds ----


@pytest.mark.parametrize("found, tried, low, high", [
    # Newcombe 1998, table I, method 3
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718), (20, 20, 0.8389, 1.0)])
def test_wilson(found, tried, low, high):
    assert bounds.wilson(found, tried) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing():
    assert bounds.wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("count, upper", [
    # half the 0.95 quantile of chi-square with 2 count + 2 degrees
    (0, 2.9957), (1, 4.7439), (2, 6.2958), (3, 7.7537), (5, 10.5130), (10, 16.9622),
    (20, 29.0620), (50, 63.2871), (100, 118.0793)])
def test_poisson_bound(count, upper):
    assert bounds.poisson_upper(count) == pytest.approx(upper, abs=2e-4)


def test_poisson_bound_of_many():
    """Far out it is the normal one."""
    count = 1_000_000
    assert bounds.poisson_upper(count) == pytest.approx(count + 1.645 * count ** 0.5, abs=5)


def test_median():
    assert bounds.median([]) is None
    assert bounds.median([3, 1, 2]) == 2
    assert bounds.median([4, 1, 3, 2]) == 2.5


# ---- whose an alert is ----

ATTACKER, OTHER, TRAP = 1, 2, 3
MINE = [f"198.51.100.{n}" for n in range(1, 11)]
YOURS = [f"203.0.113.{n}" for n in range(1, 11)]
STRANGERS = [f"192.0.2.{n}" for n in range(1, 101)]


def owners(key=None):
    made = names.Owners(key)
    made.sides = {ATTACKER: "attacker", OTHER: "attacker", TRAP: "trap"}
    made.makers = {ATTACKER}
    for address in MINE:
        made.add(ATTACKER, "address", address)
    for address in YOURS:
        made.add(OTHER, "address", address)
    made.add(ATTACKER, "address", "2001:DB8::0:1")
    made.add(ATTACKER, "session", "s1")
    made.add(ATTACKER, "account", "u1")
    made.add(TRAP, "address", "192.0.2.1")
    made.add(TRAP, "session", "t1")
    return made


def whose(subject_type, subject, key=None, **involved):
    read = score.read_alert(alert(0, subject_type, subject, **involved))
    return owners(key).verdict(read)


@pytest.mark.parametrize("kind, value, side", [
    ("client.ip", "198.51.100.1", "attacker"), ("client.host", "198.51.100.1", "attacker"),
    ("client.ip", "2001:db8::1", "attacker"), ("session", "s1", "attacker"),
    ("account", "u1", "attacker"), ("client.host", "192.0.2.1", "trap"),
    ("session", "t1", "trap"), ("client.ip", "192.0.2.77", "people"),
    ("session", "somebody", "people"), ("account", "s1", "people"),
    ("session|client.ip", "s1|192.0.2.77", "attacker"),
    ("client.prefix|session", "192.0.2.0/24|nobody", "people")])
def test_one_name_is_whose_it_is(kind, value, side):
    """Whatever else is involved."""
    assert whose(kind, value, client_ip=["192.0.2.2"]).side == side


@pytest.mark.parametrize("kind, value", [
    ("client.prefix", "198.51.100.0/24"), ("client.host", "2001:db8::/64"),
    ("http.shape", "4a5b6c7d8e9f0011"), ("tls.ja4", "t13d1516h2_8daaf6152771_e5627efa2ab1"),
    ("email.skeleton", "l.ld2"), ("email.domain", "mail.example"),
    ("email.canonical", "anna@mail.example"), ("all", "all"), ("client.country", "NL"),
    ("http.shape|client.asn", "4a5b6c7d8e9f0011|64500")])
def test_anything_else_is_whose_half_of_the_addresses_are(kind, value):
    half = MINE[:5] + STRANGERS[1:6]
    assert whose(kind, value, client_ip=half) == ("attacker", [ATTACKER], False)
    assert whose(kind, value, client_ip=half[1:]).side == "people"
    assert whose(kind, value, client_ip=["192.0.2.1"]).side == "trap"
    assert whose(kind, value).side == "people"


def test_accounts_of_a_tag_are_whose_half_of_the_sessions_are():
    """Their addresses may be anybody's."""
    assert whose("incident", "01M84P", session=["s1", "x"], client_ip=STRANGERS) == \
        ("attacker", [ATTACKER], False)
    assert whose("incident", "01M84P", session=["s1", "x", "y"], client_ip=MINE).side == "people"


def test_sessions_count_where_no_address_is_named():
    assert whose("email.domain", "mail.example", session=["s1"]).side == "attacker"


def test_attackers_that_share_an_alert():
    """A tenth of the names is enough for each when together they have half."""
    shared = MINE[:3] + YOURS[:3] + STRANGERS[1:7]
    verdict = whose("http.shape", "4a5b", client_ip=shared)
    assert verdict.side == "attacker" and verdict.shared
    assert sorted(verdict.groups) == [ATTACKER, OTHER]
    assert whose("http.shape", "4a5b", client_ip=shared + ["192.0.2.99"]).side == "people"
    few = MINE[:2] + YOURS[:5] + STRANGERS[1:8]
    assert whose("http.shape", "4a5b", client_ip=few) == ("attacker", [OTHER], True)
    # Of two farms that come together both are found, though one has more than half.
    assert sorted(whose("http.shape", "4a5b", client_ip=MINE[:3] + YOURS[:5]).groups) == \
        [ATTACKER, OTHER]
    assert whose("http.shape", "4a5b", client_ip=MINE[:2] + YOURS[:3]).groups == [OTHER]


def few_in_each(*messages):
    """A busy attacker of 90 addresses and one of eight, and who is found by messages on both."""
    truth = Truth().group(1, "attacker", "scrape-addresses").group(2, "attacker", "farm")
    for n in range(90):
        truth.uses(1, 0, address=STRANGERS[n])
    for one in YOURS[:8]:
        truth.uses(2, 0, address=one)
    alerts = [alert(100 * n + 100, "page", "profile", client_ip=some, number=number,
                    action=action) for n, (number, action, some) in enumerate(messages)]
    result = score.score(truth.text(), alerts, delay=0)
    assert result["alarms"] == []
    return [one["found"] and round(one["found"]["t"] - MIDNIGHT) for one in result["groups"]]


def test_messages_of_an_incident_count_together():
    """Those that have named half of an attacker's addresses find it, be it few of each message."""
    busy = STRANGERS[:40]
    first = (1, "raised", busy + YOURS[:2])
    assert few_in_each(first) == [100, None]
    assert few_in_each(first, (1, "updated", busy + YOURS[1:3])) == [100, None]
    assert few_in_each(first, (1, "updated", busy + YOURS[2:4])) == [100, 200]
    assert few_in_each(first, (2, "raised", busy + YOURS[2:4])) == [100, None]
    assert few_in_each(first, (1, "ended", busy + YOURS[2:4])) == [100, None]


def test_a_message_on_people_is_not_counted_together():
    """Nor is it one that finds anybody."""
    truth = Truth().group(1, "attacker", "farm")
    for one in MINE[:4]:
        truth.uses(1, 0, address=one)
    alerts = [alert(100, "page", "profile", client_ip=STRANGERS[:9] + MINE[:1]),
              alert(200, "page", "profile", client_ip=STRANGERS[:9] + MINE[1:3],
                    action="updated")]
    (group,) = score.score(truth.text(), alerts)["groups"]
    assert group["found"] is None


def test_pseudonyms():
    """printf 'session\\0s1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f"""
    name = "38d10717baf29b3e98ed9432e26328bd"
    assert whose("session", name, key=names.OFFLINE_KEY).side == "attacker"
    assert whose("session", "s1", key=names.OFFLINE_KEY).side == "people"


def test_an_address_that_others_use_as_well():
    """The one whose session is named; else the one that has the fewest addresses."""
    made = owners()
    made.add(TRAP, "address", "198.51.100.1")
    for n, group in enumerate((OTHER, 4)):
        made.sides[group] = "attacker"
        made.add(group, "address", "198.51.100.1")
        made.add(group, "session", f"o{n}")

    def verdict(**involved):
        return made.verdict(score.read_alert(alert(0, "client.ip", "198.51.100.1", **involved)))
    assert verdict(session=["x", "s1", "o1"]) == ("attacker", [4], False)
    assert verdict(session=["s1"]).groups == [ATTACKER]
    assert verdict(session=["x"]) == ("trap", [TRAP], False)
    assert verdict().groups == [4]


def test_an_alert_on_an_email_is_on_those_who_signed_up():
    """OTHER reads from homes; that people of these sign up is not its doing."""
    assert whose("email.canonical", "anna@mail.example", client_ip=YOURS).side == "people"
    assert whose("http.shape", "4a5b", client_ip=YOURS).side == "attacker"


def test_names_count_until_an_hour_after_the_last_use():
    truth = Truth().group(1, "attacker", "scrape-address").uses(1, 100, address="192.0.2.5") \
        .gets(1, "served", 110, 2000) \
        .group(2, "trap", "trap-health").uses(2, 50, address="192.0.2.6").text()
    for t, on in ((5600, []), (5601, ["people"])):
        assert [one["on"] for one in score.score(
            truth, [alert(t, "client.ip", "192.0.2.5")])["alarms"]] == on
    (alarm,) = score.score(truth, [alert(80000, "client.ip", "192.0.2.6")])["alarms"]
    assert alarm["on"] == "trap-health"


def test_an_incident_that_goes_on_when_its_attacker_has_gone():
    truth = Truth().group(1, "attacker", "scrape-address").uses(1, 100, address="192.0.2.5") \
        .gets(1, "served", 110, 2000).text()
    for later, on in (({"client_ip": ["192.0.2.5", "203.0.113.1"]}, []),
                      ({"client_ip": ["192.0.2.5", "203.0.113.1", "203.0.113.2"]}, ["people"])):
        alerts = [alert(200, "http.shape", "4a5b", client_ip=["192.0.2.5"]),
                  alert(9000, "http.shape", "4a5b", action="updated", **later)]
        assert [one["on"] for one in score.score(truth, alerts)["alarms"]] == on
        # Raised then it is one in either case: nobody else's incident goes on.
        alone = [alert(9000, "http.shape", "4a5b", **later)]
        assert [one["on"] for one in score.score(truth, alone)["alarms"]] == ["people"]


EDGE = "Mozilla/5.0 (Windows NT 10.0) Chrome/155.0.0.0 Safari/537.36 Edg/155.0.0.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) Chrome/155.0.0.0 Safari/537.36"
AGENTS = {"http.shape": {"4a5b": [CHROME, EDGE], "6c7d": ["curl/8.0"]},
          "ua.family|ua.version": {"edge|155.0": [EDGE], "chrome|155.0": [CHROME],
                                   "curl|8.0": ["curl/8.0"]}}


def crawls(*hours, until=80000):
    """
    Two crawls over many addresses; `hours`: the hour's end, User-Agent, all views, those of
    each crawl.
    """
    truth = Truth().group(3, "trap", "trap-health")
    for number in (1, 2):
        truth.group(number, "attacker", "scrape-slow") \
            .uses(number, 100, address=f"192.0.2.{number}") \
            .gets(number, "served", *range(110, until, 900))
    for end, agent, views, *parts in hours:
        attackers = {str(1 + n): part for n, part in enumerate(parts) if part}
        truth.put(3600 * end, {"agent": agent, "views": views, "attackers": attackers})
    return truth.text()


def found(truth, *alerts):
    """Groups that these found, and on whom they were false alarms."""
    scored = score.score(truth, alerts, agents=AGENTS)
    return ([one["group"] for one in scored["groups"] if one["found"]],
            [one["on"] for one in scored["alarms"]])


@pytest.mark.parametrize("kind, value, is_found", [
    ("ua.family|ua.version", "edge|155.0", True), ("ua.family|ua.version", "edge|15", False),
    ("ua.family|ua.version", "chrome|155.0", False), ("ua.family|ua.version", "lynx|2", False),
    ("http.shape", "4a5b", False), ("http.shape", "6c7d", False), ("http.shape", "ffff", False),
    ("http.shape|page", "4a5b|signup", False), ("client.prefix", "203.0.113.0/24", False)])
def test_an_alert_on_a_stratum_is_of_who_has_a_tenth_of_it(kind, value, is_found):
    """Of Edge 20 in 200, of both browsers with that shape 20 in 1200, of curl 2 in 100."""
    truth = crawls((1, EDGE, 100, 10), (2, EDGE, 100, 10), (2, CHROME, 1000),
                   (2, "curl/8.0", 100, 2))
    assert found(truth, alert(7300, kind, value, client_ip=STRANGERS)) == \
        (([1], []) if is_found else ([], ["people"]))


@pytest.mark.parametrize("parts, expected", [
    ((10, 10), ([1, 2], [])), ((30, 2), ([1], [])), ((6, 6), ([], [])), ((5, 4), ([], ["people"]))])
def test_attackers_have_a_tenth_of_a_stratum_together(parts, expected):
    """Those with less are not found by it, but it is no false alarm either."""
    truth = crawls((1, EDGE, 100, *parts))
    assert found(truth, alert(3700, "http.shape", "4a5b", client_ip=STRANGERS)) == expected


def test_half_of_the_names_go_before_a_tenth_of_a_stratum():
    truth = crawls((1, EDGE, 100, 0, 50))
    assert found(truth, alert(3700, "http.shape", "4a5b", client_ip=["192.0.2.1"])) == ([1], [])


@pytest.mark.parametrize("t, is_found", [
    (3599, False), (3600, True), (3600 * 7 - 1, True), (3600 * 7, False)])
def test_a_stratum_s_views_count_for_six_hours(t, is_found):
    truth = crawls((1, EDGE, 100, 50), (9, EDGE, 100, 1))
    assert found(truth, alert(t, "http.shape", "4a5b", client_ip=STRANGERS))[0] == [1][:is_found]


def test_a_stratum_whose_attacker_is_over():
    """An hour later nothing new is on it; what was raised on it before goes on."""
    truth = crawls((1, EDGE, 100, 50), until=2000)
    late = alert(9000, "http.shape", "4a5b", client_ip=STRANGERS, number=1)
    assert found(truth, late) == ([], ["people"])
    goes_on = alert(9000, "http.shape", "4a5b", client_ip=STRANGERS, action="updated", number=1)
    early = alert(3700, "http.shape", "4a5b", client_ip=STRANGERS, number=1)
    assert found(truth, early, goes_on) == ([1], [])


def test_names_count_from_when_they_are_used():
    truth = Truth().group(1, "attacker", "scrape-address").uses(1, 100, address="192.0.2.5") \
        .uses(1, 500, address="192.0.2.6").text()
    early = score.score(truth, [alert(200, "client.ip", "192.0.2.6")])
    late = score.score(truth, [alert(501, "client.ip", "192.0.2.6")])
    assert [len(one["alarms"]) for one in (early, late)] == [1, 0]
    assert early["groups"][0]["found"] is None
    assert late["groups"][0]["found"]["after"] == pytest.approx(402)


# ---- what is lost ----

def one_scraper(alerts, **options):
    truth = Truth().group(1, "attacker", "scrape-address", t=10, rate="60/m") \
        .uses(1, 10.0, address="192.0.2.5", session="s") \
        .gets(1, "served", *[10.5 + n for n in range(100)], session="s").text()
    (group,) = score.score(truth, alerts, **options)["groups"]
    return group


@pytest.mark.parametrize("t, lost", [(10.49, 0), (10.5, 1), (59.5, 50), (59.499, 49), (3e3, 100)])
def test_lost_is_what_was_served_until_the_alert(t, lost):
    group = one_scraper([alert(t, "client.ip", "192.0.2.5", rule="r", severity="high")], delay=0)
    assert group["found"]["served"] == lost
    assert group["served"] == 100
    assert (group["found"]["rule"], group["found"]["severity"]) == ("r", "high")
    assert group["found"]["after"] == pytest.approx(t - 10)


def test_an_alert_is_told_a_little_later_than_its_time():
    group = one_scraper([alert(10.5, "client.ip", "192.0.2.5")], delay=2.0)
    assert group["found"]["served"] == 3


def test_the_first_alert_counts_however_the_lines_stand():
    alerts = [alert(80, "client.ip", "192.0.2.5", rule="later"),
              alert(40, "client.ip", "192.0.2.5", rule="first", number=2),
              alert(90, "client.ip", "192.0.2.5", rule="first", number=2, action="updated")]
    group = one_scraper(alerts)
    assert group["found"]["rule"] == "first"
    assert group["rules"] == {"first": 1, "later": 1}


def test_never_found():
    group = one_scraper([])
    assert group["found"] is None
    assert figures.lost(group, "served") == 100


def test_what_is_only_tried_out_finds_nothing():
    group = one_scraper([alert(40, "client.ip", "192.0.2.5", dry_run=True)])
    assert group["found"] is None


def test_an_end_finds_nothing():
    group = one_scraper([alert(40, "client.ip", "192.0.2.5", action="ended")])
    assert group["found"] is None


def test_sign_ups():
    truth = Truth().group(1, "attacker", "signup-burst").uses(1, 10, address="192.0.2.5") \
        .gets(1, "accepted", 20, 30, 40, 50, session="s").text()
    (group,) = score.score(truth, [alert(30, "client.host", "192.0.2.5")])["groups"]
    assert group["found"]["accepted"] == 2 and group["accepted"] == 4


def test_lost_by_account():
    """Each session until it is named; one that is never named loses all."""
    truth = Truth().group(1, "attacker", "scrape-accounts").uses(1, 0, address="192.0.2.5")
    for n, session in enumerate(("a", "b", "c")):
        truth.uses(1, 1, session=session)
        truth.gets(1, "served", *[10 * k + n + 2 for k in range(10)], session=session)
    alerts = [alert(35, "session", "a", session=["a"]),
              alert(65, "session", "x", number=2, session=["x"]),
              alert(72.5, "client.prefix", "192.0.2.0/24", number=3,
                    client_ip=["192.0.2.5"], session=["b"])]
    result = score.score(truth.text(), alerts, delay=0)
    (group,) = result["groups"]
    assert group["lost_a_session"] == {"median": 7, "most": 10}
    assert (group["members"], group["named"], group["readers"]) == (3, 2, 3)
    assert group["found"]["served"] == 12
    assert [one["on"] for one in result["alarms"]] == ["people"]


# ---- farms ----

def farm(named, **options):
    """Five accounts; they read from the tenth hour on."""
    sessions = [f"s{n}" for n in range(5)]
    truth = Truth().group(1, "attacker", "farm")
    for n, session in enumerate(sessions):
        truth.uses(1, 60 * n, address=f"192.0.2.{n}")
        truth.gets(1, "accepted", 60 * n + 1, session=session)
        truth.uses(1, 60 * n + 1, session=session)
        truth.gets(1, "served", *[36000 + 10 * k + n for k in range(20)], session=session)
    alerts = [alert(125, "client.prefix", "192.0.2.0/24", rule="burst", session=sessions[:3],
                    client_ip=[f"192.0.2.{n}" for n in range(3)]),
              alert(36100, "incident", "ID1", rule="harvest", severity="critical", number=2,
                    session=named)]
    (group,) = score.score(truth.text(), alerts, **options)["groups"]
    return group


def test_a_farm_whose_cohort_is_named():
    group = farm(["s0", "s1", "s2", "s3", "s4"], delay=0)
    assert group["found"]["accepted"] == 3 and group["found"]["served"] == 0
    assert group["reading"]["rule"] == "harvest"
    assert group["reading"]["served"] == 51
    assert group["reading"]["after"] == 100
    assert (group["members"], group["named"]) == (5, 5)


def test_a_farm_whose_cohort_is_named_but_for_one():
    group = farm(["s0", "s1", "s2", "s3"])
    assert (group["members"], group["named"]) == (5, 4)
    told = figures.farms([group, farm(["s0", "s1", "s2", "s3", "s4"])])
    assert told["whole_cohort_named"] == 1 and told["named_least"] == 0.8
    run = as_run({"summary": SUMMARY, "groups": [group], "alarms": [], "raised": []})
    (held,) = goals.held([{"goal": "", "wanted": "", "classes": ["farm*"], "recall": 1.0,
                           "unit": "reading", "lost": 500, "cohort": True}], [run])
    assert held["state"] == "missed: 1 cohorts not whole"


# ---- traps and false alarms ----

SUMMARY = {"begin": MIDNIGHT, "end": MIDNIGHT + 2 * 86400, "visitors": 4_000_000,
           "requests": 1, "people": 1, "packets": 1}


def as_run(result, **more):
    return {"set": "held-out", "day": "a.yaml", "seed": 1, "warm_up": 0, **result, **more}


def two_days():
    truth = Truth().group(1, "attacker", "scrape-address").uses(1, 10, address="198.51.100.1") \
        .uses(1, 90000, account="a") \
        .group(3, "trap", "trap-office", t=5).uses(3, 5, address="192.0.2.1") \
        .group(4, "trap", "trap-office", t=90000).uses(4, 90000, address="192.0.2.2") \
        .text(days=2, visitors=4_000_000)
    alerts = [alert(1000, "client.host", "192.0.2.1", rule="a", severity="high"),
              alert(2000, "client.host", "192.0.2.1", rule="a", severity="high",
                    action="updated"),
              alert(3000, "session", "somebody", rule="b", number=2),
              alert(90100, "client.host", "192.0.2.2", rule="b", number=3),
              alert(90200, "client.ip", "198.51.100.1", rule="b", number=4),
              alert(90300, "http.shape", "4a", rule="c", number=5, client_ip=["198.51.100.1"]),
              alert(90400, "http.shape", "4a", rule="c", number=5, action="updated",
                    client_ip=["198.51.100.1", "192.0.2.8", "192.0.2.9"])]
    return as_run(score.score(truth, alerts))


def test_alerts_on_traps():
    run = two_days()
    told = figures.of_phase([run], figures.AFTER)["traps"]
    assert told == {"trap-office": {"instances": 2, "alerts": 2, "with_an_alert": 2,
                                    "by_rule": {"a (high)": 1, "b (medium)": 1}}}


def test_false_alarms_for_a_million_visitors_and_day():
    told = figures.of_phase([two_days()], figures.AFTER)["false_alarms"]
    assert told["visitor_days"] == 4_000_000 and told["days"] == 2
    # two on traps, one on people, and the shape that people have as well later on
    assert told["any"] == {"alerts": 4, "rate": 1.0, "bound": pytest.approx(9.1535 / 4, abs=1e-4)}
    assert told["high"]["alerts"] == 1 and told["high"]["rate"] == 0.25
    by_rule = {one["rule"]: (one["on_people"], one["on_traps"]) for one in told["by_rule"]}
    assert by_rule == {"a": (0, 1), "b": (1, 1), "c": (1, 0)}


def test_the_first_day_by_itself():
    run = two_days()
    run["warm_up"] = 1
    first, after = (figures.of_phase([run], phase) for phase in (figures.FIRST, figures.AFTER))
    assert [one["false_alarms"]["any"]["alerts"] for one in (first, after)] == [2, 2]
    assert [one["false_alarms"]["visitor_days"] for one in (first, after)] == [2e6, 2e6]
    assert list(first["attackers"]) == ["scrape-address"] and not after["attackers"]
    assert sum(after["hours"]["attacker"]) == 2 and after["hours"]["trap"][1] == 1


def test_visitors_by_day_are_taken_where_they_are_told():
    run = two_days()
    run["warm_up"] = 1
    run["summary"]["visitors_by_day"] = [1_000_000, 3_500_000]
    assert figures.visitor_days(run, figures.AFTER) == 3_500_000


def test_a_truth_that_breaks_off():
    with pytest.raises(ValueError, match="without a summary"):
        score.score(Truth().group(1, "trap", "x").text()[:-1], [])


# ---- goals ----

def held(goal, *groups):
    run = as_run({"summary": SUMMARY, "groups": groups, "alarms": [], "raised": []})
    (told,) = goals.held([{"goal": "", "wanted": "", **goal}], [run])
    return told


def scraper(lost, rate=1.0, after=60.0, found=True, **more):
    return {"class": "scrape-address", "side": "attacker", "parameters": {"rate": rate},
            "first": MIDNIGHT + 5, "served": 1000, "accepted": 0,
            "found": {"served": lost, "after": after} if found else None,
            "lost_a_session": None, **more}


FAST = {"classes": ["scrape-*"], "where": {"rate": {"least": 0.5}}, "recall": 1.0, "lost": 130,
        "median": 60}


def test_a_goal_that_is_reached():
    told = held(FAST, scraper(10), scraper(130), scraper(60), scraper(900, rate=0.1))
    assert told["state"] == "reached" and told["instances"] == 3


@pytest.mark.parametrize("groups, state", [
    ([scraper(131), scraper(10)], "missed: 1 lost too many in the worst case; median 10 too many"),
    ([scraper(61)], "missed: median 1 too many"),
    ([scraper(0), scraper(0), scraper(0, found=False)],
     "missed: recall 0.33 below; 870 lost too many in the worst case"),
    ([scraper(0, rate=0.1)], "not measured")])
def test_a_goal_that_is_missed(groups, state):
    assert held(FAST, *groups)["state"] == state


def test_found_too_late_is_not_found():
    goal = {"classes": ["scrape-address"], "recall": 0.5, "within_hours": 12}
    assert held(goal, scraper(0, after=12 * 3600))["state"] == "reached"
    assert held(goal, scraper(0, after=12 * 3600 + 1))["found"] == 0


def test_goals_by_choice_and_rate():
    group = scraper(0)
    group["parameters"] = {"rate": "30/m", "order": "shuffled"}
    assert goals.is_meant({**FAST, "where": {"rate": {"least": 0.5, "most": 0.5}}}, group)
    assert goals.is_meant({**FAST, "where": {"order": ["sequential", "shuffled"]}}, group)
    assert not goals.is_meant({**FAST, "where": {"order": "graph"}}, group)
    assert not goals.is_meant({**FAST, "but": ["scrape-add*"]}, group)


def test_a_goal_for_false_alarms_is_held_by_its_bound():
    run = two_days()
    goal = {"goal": "", "wanted": "", "alarms": "any", "most": 2.3}
    assert goals.held([goal], [run])[0]["state"] == "reached"
    for change, state in (({"most": 2.2}, "not shown: the bound is 1.04 times too high, for want "
                           "of visitor days"),
                          ({"most": 0.5}, "missed: 2 times as many"),
                          ({"days": 10}, "not shown: over 2 days only")):
        assert goals.held([{**goal, **change}], [run])[0]["state"] == state


def test_shipped_goals_can_be_read():
    shipped = goals.read()
    assert len(shipped) == 11
    for goal in shipped:
        assert {"goal", "wanted"} < goal.keys()
        assert ("alarms" in goal) != ("classes" in goal)

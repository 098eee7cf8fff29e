# SPDX-License-Identifier: MIT
"""Heads of what cannot be run here.

Browsers on other systems are derived from the same engine's recording, where what differs
is published: the User-Agent, the brand, the platform. Robots are a plain head with the
User-Agent that their operators document.
"""
import collections

from heads import Heads

# A system of Chromium: in its User-Agent, Sec-CH-UA-Mobile, Sec-CH-UA-Platform.
WINDOWS = ("Windows NT 10.0; Win64; x64", "?0", "Windows")
MAC = ("Macintosh; Intel Mac OS X 10_15_7", "?0", "macOS")
ANDROID = ("Linux; Android 10; K", "?1", "Android")

Row = collections.namedtuple("Row", "name share base how said")


def agent(text):
    """Another User-Agent, all else as it was."""
    return lambda heads: every_line(heads, {"user-agent": lambda _: text})


def every_line(heads, change):
    def changed(line):
        name, _, value = line.partition(": ")
        return f"{name}: {change[name.lower()](value)}" if name.lower() in change else line

    return {kind: [lines[0], *(changed(one) for one in lines[1:])]
            for kind, lines in heads.kinds.items()}


def with_brand(brands, brand, version):
    """
    Chromium shuffles its list of brands by its major version: (nonsense, Chromium) with
    two, (nonsense, Chromium, the product) with three (components/embedder_support/
    user_agent_utils.cc). The n-th of those stands at the place that the row says.
    """
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    listed = sorted(brands.split(", "), key=lambda one: one.startswith('"Chromium"'))
    listed.append(f'"{brand}";v="{{version}}"')
    placed = dict(zip(orders[version % 6], listed))
    return ", ".join(placed[place] for place in range(3))


def chromium(system, brand, more=""):
    """Chromium's relative on a system; `more` ends its User-Agent."""
    platform, mobile, name = system
    safari = "Mobile Safari" if mobile == "?1" else "Safari"
    text = (f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"Chrome/{{version}}.0.0.0 {safari}/537.36{more}")

    def how(heads):
        version = int(heads.fields["version"])
        return every_line(heads, {
            "user-agent": lambda _: text,
            "sec-ch-ua": lambda brands: with_brand(brands, brand, version),
            "sec-ch-ua-mobile": lambda _: mobile,
            "sec-ch-ua-platform": lambda _: f'"{name}"'})
    return how


def firefox(platform, gecko="20100101"):
    return agent(f"Mozilla/5.0 ({platform}; rv:{{version}}.0) Gecko/{gecko} "
                 "Firefox/{version}.0")


# Written out: 18 came before it, so that no other version can be told from it.
SAFARI_VERSION = "26"


def safari(platform, end):
    return agent(f"Mozilla/5.0 ({platform}) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                 f"Version/{SAFARI_VERSION}.0 {end}")


CHROMIUM_SAID = "User-Agent, brand and platform"
DERIVED = [
    Row("chrome-windows", 0.24, "chromium", chromium(WINDOWS, "Google Chrome"), CHROMIUM_SAID),
    Row("chrome-mac", 0.05, "chromium", chromium(MAC, "Google Chrome"), CHROMIUM_SAID),
    Row("chrome-android", 0.42, "chromium", chromium(ANDROID, "Google Chrome"), CHROMIUM_SAID),
    Row("edge-windows", 0.06, "chromium", chromium(
        WINDOWS, "Microsoft Edge", " Edg/{version}.0.0.0"), CHROMIUM_SAID),
    Row("firefox-windows", 0.02, "firefox", firefox(WINDOWS[0]), "User-Agent"),
    Row("firefox-android", 0.01, "firefox", firefox("Android 15; Mobile", "{version}.0"),
        "User-Agent"),
    Row("safari-mac", 0.04, "epiphany", safari(MAC[0], "Safari/605.1.15"),
        "User-Agent; order and Accept are WebKitGTK's"),
    Row("safari-ios", 0.13, "epiphany", safari(
        "iPhone; CPU iPhone OS 18_6 like Mac OS X", "Mobile/15E148 Safari/604.1"),
        "User-Agent; order and Accept are WebKitGTK's"),
]


def derive(row, heads):
    is_safari = row.name.startswith("safari")
    fields = {
        "name": row.name, "version": SAFARI_VERSION if is_safari else heads.fields["version"],
        "class": "browser", "share": row.share,
        "language": "en-US,en;q=0.9" if is_safari else heads.fields["language"],
        "origin": f"derived from {row.base}.heads (differs: {row.said}); "
                  + heads.fields["origin"],
    }
    return Heads(fields, row.how(heads))


# ---- robots ----

# Search engines, makers of models, previews of links, watchers, readers of feeds.
ROBOTS = [
    ("googlebot", "2", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("bingbot", "2", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    ("yandexbot", "3", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"),
    ("duckduckbot", "1", "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)"),
    ("gptbot", "1", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.1; "
                    "+https://openai.com/gptbot"),
    ("ccbot", "2", "CCBot/2.0 (https://commoncrawl.org/faq/)"),
    ("facebook-preview", "1",
     "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
    ("slack-preview", "1", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
    ("twitter-preview", "1", "Twitterbot/1.0"),
    ("telegram-preview", "0", "TelegramBot (like TwitterBot)"),
    ("discord-preview", "2", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"),
    ("elb-check", "2", "ELB-HealthChecker/2.0"),
    ("google-check", "1", "GoogleHC/1.0"),
    ("kube-probe", "1", "kube-probe/1.30"),
    ("uptimerobot", "2",
     "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"),
    ("feedly", "1", "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)"),
]


def documented():
    for name, version, text in ROBOTS:
        yield Heads(
            {"name": name, "version": version, "class": "bot", "share": 0,
             "origin": "written from the operator's documentation (User-Agent) over a plain head"},
            {"navigation": [
                "{method} {path} HTTP/1.1", "Host: {host}", f"User-Agent: {text}", "Accept: */*",
                "Accept-Encoding: gzip, deflate", "Connection: keep-alive"]})

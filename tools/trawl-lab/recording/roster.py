# SPDX-License-Identifier: MIT
"""Who is recorded: a row for each client."""
import collections
import glob
import os
import shutil
import subprocess

import browsers
import programs
from heads import KINDS
from programs import CURL, GO, JARS, WGET, line, script, typed

# `proof` is a program or a file (a pattern) that is there when the client is installed, and tells
# which package it comes from. `version` is what finds a browser's major version in its
# User-Agent; without, that of the package counts, and the head stays as it was sent. Only
# `kinds` are written: a program that follows all links asks for a style sheet as for a page.
Client = collections.namedtuple("Client", "name kind share proof drive version kinds")
FEW = ("navigation", "form")

PYTHON = "/usr/lib/python3/dist-packages/"
PERL = "/usr/share/perl5/"
RUBY = "/usr/share/rubygems-integration/all/gems/"
NODE = "/usr/share/nodejs/"


def browser(name, share, proof, drive, version):
    return Client(name, "browser", share, proof, drive, version, KINDS)


def terminal(name, command, *keys):
    return Client(name, "browser", 0, command.split()[0], typed(command, *keys), None, FEW)


def library(name, proof, drive):
    return Client(name, "library", 0, proof, drive, None, FEW)


def bot(name, proof, drive):
    return Client(name, "bot", 0, proof, drive, None, FEW)


def python(name, proof, text):
    return library("python-" + name, proof, script("/usr/bin/python3 script.py", "script.py", text))


def ruby(name, proof, text):
    return library("ruby-" + name, proof, script("ruby script.rb", "script.rb", text))


def node(name, proof, text, file="script.js"):
    return library("node-" + name, proof,
                   script(f"NODE_PATH={NODE} node {file}", file, text))


def java(name, proof, text, *jars):
    path = ":".join(f"{JARS}/{jar}.jar" for jar in jars) or "."
    return library("java-" + name, proof,
                   script(f"java -cp {path} Main.java", "Main.java", text))


DOWN = "\x1b[B"

CLIENTS = [
    browser("chromium", 0.02, "chromium", browsers.chromium_with_window, r"Chrome/(\d+)"),
    browser("chromium-headless", 0, "chromium", browsers.chromium_headless,
            r"HeadlessChrome/(\d+)"),
    browser("firefox", 0.01, "firefox-esr", browsers.firefox, r"Firefox/(\d+)"),
    browser("epiphany", 0, "epiphany", browsers.by_itself(
        "epiphany", "--private-instance", "SITE/start?self"), r"Version/(\d+)"),
    browser("surf", 0, "surf", browsers.by_itself("surf", "SITE/start?self"), r"Version/(\d+)"),
    browser("falkon", 0, "falkon", browsers.by_itself(
        "env", "QTWEBENGINE_DISABLE_SANDBOX=1", "falkon", "SITE/start?self"), r"Chrome/(\d+)"),
    browser("dillo", 0, "dillo", browsers.by_itself("dillo", "SITE/start"), None),
    browser("netsurf", 0, "netsurf-gtk", browsers.by_itself(
        "netsurf-gtk", "SITE/start?self"), None),
    terminal("lynx", "lynx -accept_all_cookies SITE/start", "\r", "\r", "\r"),
    terminal("w3m", "w3m -cookie -o accept_cookie=1 SITE/start", "\t", "\r", "\t", "\r"),
    terminal("links", "links2 SITE/start", "\r", "\r", "\r"),
    terminal("elinks", "elinks SITE/start", "\r", "\r", DOWN, "\r", "\r"),

    library("curl", "curl", line(CURL)),
    library("wget", "wget", line(WGET.replace("NAME", "wget"))),
    library("wget2", "wget2", line(
        "wget2 -q --max-threads=1 --referer=SITE/start -O /dev/null SITE/start SITE/page")),
    library("aria2", "aria2c", line(
        "aria2c -q --save-cookies=jar SITE/start && "
        "aria2c -q --load-cookies=jar --referer=SITE/start SITE/page")),
    library("axel", "axel", line("axel -q -n 1 SITE/start")),
    library("httrack", "httrack", line("httrack SITE/start -q -r3 -s0 -O mirror")),
    library("siege", "siege", line("siege -q -c 1 -r 1 SITE/start")),
    library("ab", "ab", line("ab -q -n 1 SITE/start")),
    library("wrk", "wrk", line("wrk -t 1 -c 1 -d 1 SITE/start")),
    library("httpie", "http", line(
        "http --ignore-stdin --session=./jar SITE/start && "
        "http --ignore-stdin --session=./jar SITE/page Referer:SITE/start && "
        "http --ignore-stdin --session=./jar -f POST SITE/form Referer:SITE/page name=Anna")),
    python("urllib", "/usr/bin/python3", programs.PYTHON_URLLIB),
    python("urllib3", PYTHON + "urllib3/__init__.py", programs.PYTHON_URLLIB3),
    python("requests", PYTHON + "requests/__init__.py", programs.PYTHON_REQUESTS),
    python("httpx", PYTHON + "httpx/__init__.py", programs.PYTHON_HTTPX),
    python("aiohttp", PYTHON + "aiohttp/__init__.py", programs.PYTHON_AIOHTTP),
    python("httplib2", PYTHON + "httplib2/__init__.py", programs.PYTHON_HTTPLIB2),
    python("pycurl", PYTHON + "pycurl.*.so", programs.PYTHON_PYCURL),
    python("mechanize", PYTHON + "mechanize/__init__.py", programs.PYTHON_MECHANIZE),
    library("scrapy", PYTHON + "scrapy/__init__.py", script(
        "/usr/bin/python3 -m scrapy runspider --nolog script.py", "script.py", programs.SCRAPY)),
    library("perl-lwp", PERL + "LWP/UserAgent.pm", script(
        "perl script.pl", "script.pl", programs.PERL_LWP)),
    library("perl-tiny", "perl", script("perl script.pl", "script.pl", programs.PERL_TINY)),
    library("perl-mojo", PERL + "Mojo/UserAgent.pm", script(
        "perl script.pl", "script.pl", programs.PERL_MOJO)),
    ruby("net-http", "ruby", programs.RUBY_NET_HTTP),
    ruby("open-uri", "ruby", programs.RUBY_OPEN_URI),
    ruby("httpclient", RUBY + "httpclient-*/lib/httpclient.rb", programs.RUBY_HTTPCLIENT),
    ruby("rest-client", "/usr/lib/ruby/vendor_ruby/rest-client.rb", programs.RUBY_REST_CLIENT),
    ruby("faraday", RUBY + "faraday-*/lib/faraday.rb", programs.RUBY_FARADAY),
    ruby("httparty", RUBY + "httparty-*/lib/httparty.rb", programs.RUBY_HTTPARTY),
    library("php-curl", "/usr/share/php*-curl/curl/curl.ini", script(
        "php script.php", "script.php", programs.PHP_CURL)),
    library("php-stream", "php", script("php script.php", "script.php", programs.PHP_STREAM)),
    library("php-guzzle", "/usr/share/php/GuzzleHttp/autoload.php", script(
        "php script.php", "script.php", programs.PHP_GUZZLE)),
    node("fetch", "node", programs.NODE_FETCH),
    node("http", "node", programs.NODE_HTTP),
    node("axios", NODE + "axios/package.json", programs.NODE_AXIOS),
    node("got", NODE + "got/package.json", programs.NODE_GOT, "script.mjs"),
    node("node-fetch", NODE + "node-fetch/package.json", programs.NODE_NODE_FETCH),
    library("go-net-http", "go", script(GO, "script.go", programs.GO_NET_HTTP)),
    library("go-fasthttp", "/usr/share/gocode/src/github.com/valyala/fasthttp/client.go", script(
        "GO111MODULE=off GOPATH=/usr/share/gocode " + GO, "script.go", programs.GO_FASTHTTP)),
    java("httpclient", "java", programs.JAVA_HTTPCLIENT),
    java("urlconnection", "java", programs.JAVA_URLCONNECTION),
    java("okhttp", JARS + "/okhttp.jar", programs.JAVA_OKHTTP, "okhttp", "okio"),
    java("apache", JARS + "/httpclient.jar", programs.JAVA_APACHE, "httpclient", "httpcore",
         "commons-logging", "commons-codec"),

    bot("newsboat", "newsboat", line(
        "echo SITE/feed.xml >urls && newsboat -q -u urls -c cache.db -C /dev/null -x reload")),
    bot("linkchecker", "linkchecker", line("linkchecker --no-status -q SITE/start")),
    bot("haproxy-check", "haproxy", programs.health_check),
    bot("monitoring-check", "/usr/lib/nagios/plugins/check_http", line(
        "site=SITE; /usr/lib/nagios/plugins/check_http -H 127.0.0.1 -p ${site##*:} -u /page")),
]


def proof_path(client):
    if client.proof.startswith("/"):
        path = next(iter(sorted(glob.glob(client.proof))), None)
    else:
        path = shutil.which(client.proof)
    return os.path.realpath(path) if path else None


def dpkg(*words):
    return subprocess.run(["dpkg-query", *words], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def package_of(client):
    """The package that it comes from and its version; None: it is not installed."""
    path = proof_path(client)
    if not path:
        return None
    owner = dpkg("-S", path) or dpkg("-S", path.removeprefix("/usr"))
    if not owner:
        return None
    package = owner.partition(":")[0].partition(",")[0]
    return package, dpkg("-W", "-f=${Version}\n", package).split("\n")[0]

# SPDX-License-Identifier: MIT
"""Libraries, tools and browsers of a terminal: how each asks for the pages of place.py.

A script asks as its own manual shows: the start page first, which sets cookies; then the
page, with the start page as referer; then it sends the form, with the page as referer.
Where a library has a cookie jar of its own, that is used.
"""
import os
import pty
import select
import subprocess
import time

from browsers import DriveError, started

PYTHON_URLLIB = """
import urllib.parse, urllib.request
from http.cookiejar import CookieJar
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
opener.open("SITE/start").read()
opener.open(urllib.request.Request("SITE/page", headers={"Referer": "SITE/start"})).read()
opener.open(urllib.request.Request("SITE/form", headers={"Referer": "SITE/page"},
            data=urllib.parse.urlencode({"name": "Anna"}).encode())).read()
"""

PYTHON_URLLIB3 = """
import urllib3
pool = urllib3.PoolManager()
cookies = "; ".join(one.partition(";")[0] for one in
                    pool.request("GET", "SITE/start").headers.getlist("Set-Cookie"))
pool.request("GET", "SITE/page", headers={"Cookie": cookies, "Referer": "SITE/start"})
pool.request("POST", "SITE/form", fields={"name": "Anna"}, encode_multipart=False,
             headers={"Cookie": cookies, "Referer": "SITE/page"})
"""

PYTHON_REQUESTS = """
import requests
session = requests.Session()
session.get("SITE/start")
session.get("SITE/page", headers={"Referer": "SITE/start"})
session.post("SITE/form", data={"name": "Anna"}, headers={"Referer": "SITE/page"})
"""

PYTHON_HTTPX = """
import httpx
with httpx.Client() as client:
    client.get("SITE/start")
    client.get("SITE/page", headers={"Referer": "SITE/start"})
    client.post("SITE/form", data={"name": "Anna"}, headers={"Referer": "SITE/page"})
"""

PYTHON_AIOHTTP = """
import aiohttp, asyncio
async def main():
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        await session.get("SITE/start")
        await session.get("SITE/page", headers={"Referer": "SITE/start"})
        await session.post("SITE/form", data={"name": "Anna"}, headers={"Referer": "SITE/page"})
asyncio.run(main())
"""

PYTHON_HTTPLIB2 = """
import httplib2, urllib.parse
http = httplib2.Http()
answer, _ = http.request("SITE/start")
cookie = "sid=" + answer["set-cookie"].partition("sid=")[2].partition(";")[0]
http.request("SITE/page", headers={"Cookie": cookie, "Referer": "SITE/start"})
http.request("SITE/form", "POST", body=urllib.parse.urlencode({"name": "Anna"}), headers={
    "Cookie": cookie, "Referer": "SITE/page",
    "Content-Type": "application/x-www-form-urlencoded"})
"""

PYTHON_PYCURL = """
import io, pycurl
curl = pycurl.Curl()
curl.setopt(curl.COOKIEFILE, "")
def ask(url, referer, fields=None):
    curl.setopt(curl.URL, url)
    curl.setopt(curl.WRITEDATA, io.BytesIO())
    if referer:
        curl.setopt(curl.REFERER, referer)
    if fields:
        curl.setopt(curl.POSTFIELDS, fields)
    curl.perform()
ask("SITE/start", None)
ask("SITE/page", "SITE/start")
ask("SITE/form", "SITE/page", "name=Anna")
"""

PYTHON_MECHANIZE = """
import mechanize
browser = mechanize.Browser()
browser.set_handle_robots(False)
browser.open("SITE/start")
browser.follow_link(nr=0)
browser.select_form(nr=0)
browser.submit()
"""

SCRAPY = """
import scrapy
class Spider(scrapy.Spider):
    name = "spider"
    start_urls = ["SITE/start"]
    def parse(self, response):
        yield response.follow("/page", self.page)
    def page(self, response):
        yield scrapy.FormRequest.from_response(response, callback=lambda response: None)
"""

PERL_LWP = """
use LWP::UserAgent;
my $agent = LWP::UserAgent->new(cookie_jar => {});
$agent->get("SITE/start");
$agent->get("SITE/page", Referer => "SITE/start");
$agent->post("SITE/form", { name => "Anna" }, Referer => "SITE/page");
"""

PERL_TINY = """
use HTTP::Tiny;
my $http = HTTP::Tiny->new;
my $set = $http->get("SITE/start")->{headers}{"set-cookie"};
my $cookie = join "; ", map { (split /;/)[0] } ref $set ? @$set : $set;
$http->get("SITE/page", { headers => { Cookie => $cookie, Referer => "SITE/start" } });
$http->post_form("SITE/form", { name => "Anna" },
                 { headers => { Cookie => $cookie, Referer => "SITE/page" } });
"""

PERL_MOJO = """
use Mojo::UserAgent;
my $agent = Mojo::UserAgent->new;
$agent->get("SITE/start");
$agent->get("SITE/page" => { Referer => "SITE/start" });
$agent->post("SITE/form" => { Referer => "SITE/page" } => form => { name => "Anna" });
"""

RUBY_NET_HTTP = """
require "net/http"
address = URI("SITE/start")
Net::HTTP.start(address.host, address.port) do |http|
  cookie = http.get("/start").get_fields("set-cookie").map { |one| one[/[^;]*/] }.join("; ")
  http.get("/page", "Cookie" => cookie, "Referer" => "SITE/start")
  form = Net::HTTP::Post.new("/form", "Cookie" => cookie, "Referer" => "SITE/page")
  form.set_form_data("name" => "Anna")
  http.request(form)
end
"""

RUBY_OPEN_URI = """
require "open-uri"
cookie = URI.open("SITE/start").metas["set-cookie"].map { |one| one[/[^;]*/] }.join("; ")
URI.open("SITE/page", "Cookie" => cookie, "Referer" => "SITE/start").read
"""

RUBY_HTTPCLIENT = """
require "httpclient"
client = HTTPClient.new
client.get("SITE/start")
client.get("SITE/page", nil, "Referer" => "SITE/start")
client.post("SITE/form", { "name" => "Anna" }, "Referer" => "SITE/page")
"""

RUBY_REST_CLIENT = """
require "rest-client"
cookies = RestClient.get("SITE/start").cookies
RestClient.get("SITE/page", { cookies: cookies, referer: "SITE/start" })
RestClient.post("SITE/form", { name: "Anna" }, { cookies: cookies, referer: "SITE/page" })
"""

RUBY_FARADAY = """
require "faraday"
set = Faraday.get("SITE/start").headers["set-cookie"]
cookie = set.split(/, (?=seen)/).map { |one| one[/[^;]*/] }.join("; ")
Faraday.get("SITE/page", nil, { "Cookie" => cookie, "Referer" => "SITE/start" })
Faraday.post("SITE/form", { name: "Anna" }, { "Cookie" => cookie, "Referer" => "SITE/page" })
"""

RUBY_HTTPARTY = """
require "httparty"
set = HTTParty.get("SITE/start").headers.get_fields("set-cookie")
cookie = set.map { |one| one[/[^;]*/] }.join("; ")
HTTParty.get("SITE/page", headers: { "Cookie" => cookie, "Referer" => "SITE/start" })
HTTParty.post("SITE/form", body: { name: "Anna" },
              headers: { "Cookie" => cookie, "Referer" => "SITE/page" })
"""

PHP_CURL = """<?php
$curl = curl_init();
curl_setopt_array($curl, [CURLOPT_COOKIEFILE => "", CURLOPT_RETURNTRANSFER => true]);
function ask($curl, $more) { curl_setopt_array($curl, $more); curl_exec($curl); }
ask($curl, [CURLOPT_URL => "SITE/start"]);
ask($curl, [CURLOPT_URL => "SITE/page", CURLOPT_REFERER => "SITE/start"]);
ask($curl, [CURLOPT_URL => "SITE/form", CURLOPT_REFERER => "SITE/page", CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => http_build_query(["name" => "Anna"])]);
"""

PHP_STREAM = """<?php
file_get_contents("SITE/start");
$cookies = [];
foreach ($http_response_header as $line)
    if (preg_match("/^Set-Cookie: ([^;]*)/i", $line, $found)) $cookies[] = $found[1];
$cookie = "Cookie: " . implode("; ", $cookies) . "\\r\\n";
function ask($url, $more) {
    file_get_contents($url, false, stream_context_create(["http" => $more]));
}
ask("SITE/page", ["header" => $cookie . "Referer: SITE/start\\r\\n"]);
ask("SITE/form", ["method" => "POST", "content" => http_build_query(["name" => "Anna"]),
    "header" => $cookie . "Referer: SITE/page\\r\\n"
                . "Content-Type: application/x-www-form-urlencoded\\r\\n"]);
"""

PHP_GUZZLE = """<?php
require "GuzzleHttp/autoload.php";
$client = new GuzzleHttp\\Client(["cookies" => true]);
$client->get("SITE/start");
$client->get("SITE/page", ["headers" => ["Referer" => "SITE/start"]]);
$client->post("SITE/form", ["headers" => ["Referer" => "SITE/page"],
                            "form_params" => ["name" => "Anna"]]);
"""

NODE_FETCH = """
async function main() {
  const answer = await fetch("SITE/start");
  const cookie = answer.headers.getSetCookie().map(one => one.split(";")[0]).join("; ");
  await fetch("SITE/page", { headers: { cookie, referer: "SITE/start" } });
  await fetch("SITE/form", { method: "POST", body: new URLSearchParams({ name: "Anna" }),
                             headers: { cookie, referer: "SITE/page" } });
}
main();
"""

NODE_HTTP = """
const http = require("http");
function ask(path, options, body) {
  return new Promise(done => {
    const request = http.request("SITE" + path, options, answer => {
      answer.resume().on("end", () => done(answer));
    });
    request.end(body);
  });
}
async function main() {
  const answer = await ask("/start", {});
  const cookie = answer.headers["set-cookie"].map(one => one.split(";")[0]).join("; ");
  await ask("/page", { headers: { Cookie: cookie, Referer: "SITE/start" } });
  const form = "name=Anna";
  await ask("/form", { method: "POST", headers: {
    Cookie: cookie, Referer: "SITE/page", "Content-Type": "application/x-www-form-urlencoded",
    "Content-Length": form.length } }, form);
}
main();
"""

NODE_AXIOS = """
const axios = require("axios");
async function main() {
  const answer = await axios.get("SITE/start");
  const Cookie = answer.headers["set-cookie"].map(one => one.split(";")[0]).join("; ");
  await axios.get("SITE/page", { headers: { Cookie, Referer: "SITE/start" } });
  await axios.post("SITE/form", new URLSearchParams({ name: "Anna" }),
                   { headers: { Cookie, Referer: "SITE/page" } });
}
main();
"""

NODE_GOT = """
import got from "/usr/share/nodejs/got/dist/index.js";
const ask = got.default ?? got; // what was made of CommonJS has it one level down
const answer = await ask("SITE/start");
const Cookie = answer.headers["set-cookie"].map(one => one.split(";")[0]).join("; ");
await ask("SITE/page", { headers: { Cookie, Referer: "SITE/start" } });
await ask.post("SITE/form", { form: { name: "Anna" }, headers: { Cookie, Referer: "SITE/page" } });
"""

NODE_NODE_FETCH = """
const fetched = require("node-fetch");
const ask = fetched.default ?? fetched;
async function main() {
  const answer = await ask("SITE/start");
  const Cookie = answer.headers.raw()["set-cookie"].map(one => one.split(";")[0]).join("; ");
  await ask("SITE/page", { headers: { Cookie, Referer: "SITE/start" } });
  await ask("SITE/form", { method: "POST", body: new URLSearchParams({ name: "Anna" }),
                           headers: { Cookie, Referer: "SITE/page" } });
}
main();
"""

GO_NET_HTTP = """
package main
import ("io"; "net/http"; "net/http/cookiejar"; "net/url"; "strings")
func ask(client *http.Client, method, url, referer, kind, body string) {
    request, _ := http.NewRequest(method, url, strings.NewReader(body))
    if body == "" { request, _ = http.NewRequest(method, url, nil) }
    if referer != "" { request.Header.Set("Referer", referer) }
    if kind != "" { request.Header.Set("Content-Type", kind) }
    answer, problem := client.Do(request)
    if problem != nil { panic(problem) }
    io.Copy(io.Discard, answer.Body)
    answer.Body.Close()
}
func main() {
    jar, _ := cookiejar.New(nil)
    client := &http.Client{Jar: jar}
    ask(client, "GET", "SITE/start", "", "", "")
    ask(client, "GET", "SITE/page", "SITE/start", "", "")
    ask(client, "POST", "SITE/form", "SITE/page", "application/x-www-form-urlencoded",
        url.Values{"name": {"Anna"}}.Encode())
}
"""

GO_FASTHTTP = """
package main
import "github.com/valyala/fasthttp"
func ask(method, url, referer, kind, body string) {
    request, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
    request.SetRequestURI(url)
    request.Header.SetMethod(method)
    if referer != "" {
        request.Header.SetCookie("sid", "5f1c9a")
        request.Header.SetReferer(referer)
    }
    if kind != "" { request.Header.SetContentType(kind); request.SetBodyString(body) }
    if problem := fasthttp.Do(request, answer); problem != nil { panic(problem) }
}
func main() {
    ask("GET", "SITE/start", "", "", "")
    ask("GET", "SITE/page", "SITE/start", "", "")
    ask("POST", "SITE/form", "SITE/page", "application/x-www-form-urlencoded", "name=Anna")
}
"""

JAVA_HTTPCLIENT = """
import java.net.*;
import java.net.http.*;
public class Main {
    static void ask(HttpClient client, HttpRequest.Builder builder) throws Exception {
        client.send(builder.build(), HttpResponse.BodyHandlers.ofString());
    }
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .cookieHandler(new CookieManager()).build();
        ask(client, HttpRequest.newBuilder(URI.create("SITE/start")));
        ask(client, HttpRequest.newBuilder(URI.create("SITE/page"))
            .header("Referer", "SITE/start"));
        ask(client, HttpRequest.newBuilder(URI.create("SITE/form"))
            .header("Referer", "SITE/page")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString("name=Anna")));
    }
}
"""

JAVA_URLCONNECTION = """
import java.net.*;
public class Main {
    static void ask(String url, String referer, String body) throws Exception {
        URLConnection connection = new URL(url).openConnection();
        if (referer != null) connection.setRequestProperty("Referer", referer);
        if (body != null) {
            connection.setDoOutput(true);
            connection.getOutputStream().write(body.getBytes());
        }
        connection.getInputStream().readAllBytes();
    }
    public static void main(String[] words) throws Exception {
        CookieHandler.setDefault(new CookieManager());
        ask("SITE/start", null, null);
        ask("SITE/page", "SITE/start", null);
        ask("SITE/form", "SITE/page", "name=Anna");
    }
}
"""

JAVA_OKHTTP = """
import java.util.*;
import okhttp3.*;
public class Main {
    public static void main(String[] words) throws Exception {
        OkHttpClient client = new OkHttpClient.Builder().cookieJar(new CookieJar() {
            List<Cookie> kept = new ArrayList<>();
            public void saveFromResponse(HttpUrl url, List<Cookie> set) { kept.addAll(set); }
            public List<Cookie> loadForRequest(HttpUrl url) { return kept; }
        }).build();
        client.newCall(new Request.Builder().url("SITE/start").build()).execute().close();
        client.newCall(new Request.Builder().url("SITE/page").header("Referer", "SITE/start")
            .build()).execute().close();
        client.newCall(new Request.Builder().url("SITE/form").header("Referer", "SITE/page")
            .post(new FormBody.Builder().add("name", "Anna").build()).build()).execute().close();
        System.exit(0);
    }
}
"""

JAVA_APACHE = """
import java.util.*;
import org.apache.http.client.entity.*;
import org.apache.http.client.methods.*;
import org.apache.http.impl.client.*;
import org.apache.http.message.*;
public class Main {
    static void ask(CloseableHttpClient client, HttpUriRequest request, String referer)
            throws Exception {
        if (referer != null) request.setHeader("Referer", referer);
        client.execute(request).close();
    }
    public static void main(String[] words) throws Exception {
        CloseableHttpClient client = HttpClients.createDefault();
        ask(client, new HttpGet("SITE/start"), null);
        ask(client, new HttpGet("SITE/page"), "SITE/start");
        HttpPost form = new HttpPost("SITE/form");
        form.setEntity(new UrlEncodedFormEntity(
            Arrays.asList(new BasicNameValuePair("name", "Anna"))));
        ask(client, form, "SITE/page");
    }
}
"""

CURL = ("curl -s -c jar SITE/start && curl -s -b jar -e SITE/start SITE/page && "
        "curl -s -b jar -e SITE/page -d name=Anna SITE/form")
WGET = ("NAME -q --save-cookies jar --keep-session-cookies -O /dev/null SITE/start; "
        "NAME -q --load-cookies jar --referer SITE/start -O /dev/null SITE/page; "
        "NAME -q --load-cookies jar --referer SITE/page --post-data name=Anna "
        "-O /dev/null SITE/form; true")
JARS = "/usr/share/java"
GO = "go run script.go"


def run(command, place, folder, environment, seconds=120):
    """A shell line, to its end."""
    done = subprocess.run(["sh", "-c", command.replace("SITE", place.site)], cwd=folder,
                          env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds, check=False, text=True,
                          errors="replace")
    if done.returncode:
        raise DriveError(f"status {done.returncode}: {done.stdout.strip()[-400:]}")


def line(command):
    return lambda place, folder, environment: run(command, place, folder, environment)


def script(command, name, text):
    """A program in a file of this name, and the line that runs it."""
    def drive(place, folder, environment):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text.replace("SITE", place.site))
        run(command, place, folder, environment)
    return drive


def typed(command, *keys):
    """A browser of a terminal. Each of `keys` is typed once what it shows has come to rest."""
    def drive(place, folder, environment):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(folder)
            words = command.replace("SITE", place.site).split()
            os.execvpe(words[0], words, environment)
        try:
            rest(terminal)
            for key in keys:
                os.write(terminal, key.encode())
                rest(terminal)
            place.wait_for(["/form"], 3)
        finally:
            os.close(terminal)
            end(child)
    return drive


def rest(terminal, quiet=2.0, most=10.0):
    deadline = time.monotonic() + most
    while time.monotonic() < deadline and select.select([terminal], [], [], quiet)[0]:
        try:
            if not os.read(terminal, 1 << 14):
                return
        except OSError:
            return


def end(child):
    for number in (1, 9):
        try:
            os.kill(child, number)
        except ProcessLookupError:
            break
        time.sleep(0.3)
        if os.waitpid(child, os.WNOHANG)[0]:
            return
    os.waitpid(child, 0)


def health_check(place, folder, environment):
    """HAProxy that watches a server, as a load balancer in front of the site does."""
    address = place.site.removeprefix("http://")
    path = os.path.join(folder, "haproxy.cfg")
    with open(path, "w", encoding="ascii") as file:
        file.write("defaults\n mode http\n timeout connect 2s\n timeout client 2s\n"
                   f" timeout server 2s\nfrontend door\n bind unix@{folder}/door\n"
                   " default_backend site\nbackend site\n option httpchk\n"
                   f" http-check send meth GET uri /page ver HTTP/1.1 hdr Host {address}\n"
                   f" server one {address} check inter 200ms\n")
    with started(["haproxy", "-db", "-f", path], environment):
        place.wait_for(["/page"], 5)

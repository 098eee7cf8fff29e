/* SPDX-License-Identifier: MIT */
#include "observe/agent_product.h"

#include <stddef.h>

/*
 * Sources: the programs' own documentation of their User-Agent, and MDN, "Browser
 * detection using the user agent string". Libraries that the list of crawlers has
 * too are here for sites that use a list of their own.
 */
/* clang-format off */
const struct agent_product agent_products[] = {
        /* libraries and tools */
        { "curl/", "curl", NULL, NULL, true },
        { "Wget/", "wget", NULL, NULL, true },
        { "python-requests/", "python-requests", NULL, NULL, false },
        { "Python-urllib/", "python-urllib", NULL, NULL, false },
        { "aiohttp/", "aiohttp", NULL, NULL, false },
        { "python-httpx/", "httpx", NULL, NULL, true },
        { "Go-http-client/", "go-http-client", NULL, NULL, true },
        { "Apache-HttpClient/", "apache-httpclient", NULL, NULL, false },
        { "Java/", "java", NULL, NULL, true },
        { "Java-http-client/", "java", NULL, NULL, true },
        { "okhttp/", "okhttp", NULL, NULL, false },
        { "axios/", "axios", NULL, NULL, true },
        { "node-fetch/", "node-fetch", NULL, NULL, true },
        { "node-fetch", "node-fetch", NULL, NULL, true },
        { "undici", "node", NULL, NULL, true },
        { "node", "node", NULL, NULL, true },
        { "got (", "got", NULL, NULL, true },
        { "Scrapy/", "scrapy", NULL, NULL, true },
        { "libwww-perl/", "libwww-perl", NULL, NULL, false },
        { "GuzzleHttp/", "guzzlehttp", NULL, NULL, true },
        { "Ruby", "ruby", NULL, NULL, true },
        { "Faraday", "faraday", NULL, NULL, true },
        { "rest-client/", "rest-client", NULL, NULL, true },
        { "HTTPClient/", "httpclient", NULL, NULL, true },
        { "python-urllib3/", "urllib3", NULL, NULL, true },
        { "Python-httplib2/", "httplib2", NULL, NULL, true },
        { "PycURL/", "pycurl", NULL, NULL, true },
        { "HTTP-Tiny/", "http-tiny", NULL, NULL, true },
        { "Mojolicious", "mojolicious", NULL, NULL, true },
        { "fasthttp", "fasthttp", NULL, NULL, true },
        { "aria2/", "aria2", NULL, NULL, true },
        { "Axel/", "axel", NULL, NULL, true },
        { "Siege/", "siege", NULL, NULL, false },
        { "ApacheBench/", "apachebench", NULL, NULL, true },
        { "Dart/", "dart", NULL, NULL, true },
        { "PostmanRuntime/", "postman", NULL, NULL, true },
        { "Dalvik/", "dalvik", NULL, NULL, true },
        { "CFNetwork/", "cfnetwork", NULL, NULL, false },
        /* browsers that name others as well */
        { "HeadlessChrome/", "headlesschrome", NULL, NULL, false },
        { "Electron/", "electron", NULL, NULL, false },
        { "FBAV/", "facebook", NULL, NULL, false },
        { "Instagram ", "instagram", NULL, NULL, false },
        { "Edg/", "edge", NULL, NULL, false },
        { "EdgA/", "edge", NULL, NULL, false },
        { "EdgiOS/", "edge", NULL, NULL, false },
        { "Edge/", "edge", NULL, NULL, false },
        { "OPR/", "opera", NULL, NULL, false },
        { "OPT/", "opera", NULL, NULL, false },
        { "OPX/", "opera", NULL, NULL, false },
        { "Opera Mini/", "opera", NULL, NULL, false },
        { "Opera/", "opera", "Version/", "Version/", true },
        { "Opera/", "opera", NULL, NULL, true },
        { "SamsungBrowser/", "samsung", NULL, NULL, false },
        { "YaBrowser/", "yandex", NULL, NULL, false },
        { "Vivaldi/", "vivaldi", NULL, NULL, false },
        { "UCBrowser/", "uc", NULL, NULL, false },
        { "MiuiBrowser/", "miui", NULL, NULL, false },
        { "DuckDuckGo/", "duckduckgo", NULL, NULL, false },
        { "GSA/", "google-app", NULL, NULL, false },
        { "FxiOS/", "firefox", NULL, NULL, false },
        { "Firefox/", "firefox", NULL, NULL, false },
        { "wv)", "webview", "Chrome/", "Chrome/", false },
        { "CriOS/", "chrome", NULL, NULL, false },
        { "Chrome/", "chrome", NULL, NULL, false },
        { "MSIE ", "ie", NULL, NULL, false },
        { "Trident/", "ie", "rv:", NULL, false },
        { "Android ", "android", "Version/", "Safari/", false },
        { "Safari/", "safari", "Version/", NULL, false },
        { "AppleWebKit/", "webview", "Version/", "Mobile/", false },
        { "Version/", NULL, NULL, NULL, false },
        { "rv:", NULL, NULL, NULL, false },
        { "Mobile/", NULL, NULL, NULL, false },
        { NULL, NULL, NULL, NULL, false },
};
/* clang-format on */

_Static_assert(sizeof(agent_products) / sizeof(agent_products[0]) <=
                   AGENT_PRODUCTS_MAX + 1,
               "rows are bits of a word");

#!/usr/bin/env python3
"""Opens every page of build/site in headless Chromium, as wide as a phone and as a desktop, over loopback: no dead link
or anchor, no error on the console, no picture missing, nothing wider than the window, no text smaller than 15 px. Links
that leave the site are listed, and not followed. Keeps pictures of some pages in build/site-shots.

    check.py [PATTERN]        only the pages whose path has PATTERN in it
"""

import base64
import collections
import functools
import http.server
import pathlib
import sys
import tempfile
import threading
import urllib.parse

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
SHOTS = ROOT / "build" / "site-shots"
WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}
SMALLEST_TEXT = 15
SHOWN = ("index.html", "docs/why.html", "docs/thresholds.html", "docs/migration.html", "docs/tour/breaker.html",
         "docs/costs.html", "reference/index.html", "reference/circuit__breaker_8hpp.html",
         "reference/structbulwark_1_1circuit__breaker__config.html",
         "reference/classbulwark_1_1basic__circuit__breaker.html")
SHOWN_DARK = ("docs/tour/breaker.html", "reference/classbulwark_1_1basic__circuit__breaker.html")

# What a page says of itself: its links as they are resolved, its anchors, and what is wrong with how it looks.
LOOK = """
const [smallest, width] = arguments;
const content = document.querySelector('article, div.contents') || document.body;
// On a phone a page that is too wide widens the window: the width that was asked for counts. What a box clips is as bad.
const wide = document.scrollingElement.scrollWidth - width;
const scrolls = e => e && e !== content && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
const outside = [...content.querySelectorAll('*')]
    .filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e))
    .slice(0, 3).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40));
const small = [...content.querySelectorAll('p, li, td, dd')].filter(e => [...e.childNodes]
    .some(n => n.nodeType === Node.TEXT_NODE && n.textContent.trim()) && e.getClientRects().length
    && !e.closest('.fragment, .memproto, .memberdecls, .fieldtable, pre')
    && parseFloat(getComputedStyle(e).fontSize) < smallest).slice(0, 3)
    .map(e => getComputedStyle(e).fontSize + ': ' + e.textContent.trim().slice(0, 40));
return {
    links: [...document.querySelectorAll('a[href]')].map(a => a.href),
    ids: [...document.querySelectorAll('[id], a[name]')].map(e => e.id || e.name),
    pictures: [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src),
    wide, outside, small,
    empty: [...document.querySelectorAll('.memproto')].filter(e => !e.innerText.trim()).length,
};
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
                 "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage",
                 "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"user-data-dir={profile}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def resize(driver, width, height, phone):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone})


def shot(driver, page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    picture = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    (SHOTS / f"{pathlib.Path(page).with_suffix('').as_posix().replace('/', '-')}-{name}.png").write_bytes(
        base64.b64decode(picture["data"]))


def look_at(driver, base, pages):
    """What each page has, and what is wrong with it."""
    links, ids, wrong = {}, {}, []
    for name, (width, height) in WIDTHS.items():
        resize(driver, width, height, name == "phone")
        for page in pages:
            driver.get(base + page)
            seen = driver.execute_script(LOOK, SMALLEST_TEXT, width)
            links[page], ids[page] = seen["links"], set(seen["ids"])
            if seen["wide"] > 0 or seen["outside"]:
                wrong.append(f"{page}: {max(seen['wide'], 0)} px too wide for a {name}, sticking out: {seen['outside']}")
            wrong += [f"{page}: small text on a {name}: {each}" for each in seen["small"]]
            if seen["empty"]:
                wrong.append(f"{page}: {seen['empty']} declarations that are not to be seen")
            wrong += [f"{page}: no picture: {each}" for each in seen["pictures"]]
            wrong += [f"{page}: {entry['message']}" for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
            if page in SHOWN:
                shot(driver, page, name)
    return links, ids, wrong


def check_links(base, links, ids, whole):
    wrong, outside, reached = [], collections.Counter(), set()
    for page, targets in links.items():
        for target in sorted(set(targets)):
            if not target.startswith(base):
                if target.startswith("http"):
                    outside[target] += 1
                continue
            path, _, anchor = target.removeprefix(base).partition("#")
            path = urllib.parse.unquote(path.partition("?")[0]) or "index.html"
            reached.add(path)
            if path in ids:
                if anchor and anchor != "__drawer" and urllib.parse.unquote(anchor) not in ids[path]:
                    wrong.append(f"{page}: no such anchor: {path}#{anchor}")
            elif not (SITE / path).is_file():
                wrong.append(f"{page}: dead link: {path}")
    if whole:
        wrong += [f"{page}: no page links to it" for page in ids if page not in reached and page != "404.html"]
    return wrong, outside


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if pattern in path.as_posix())
    if not pages:
        sys.exit("docs: no pages in build/site")
    server = serve()
    base = f"http://127.0.0.1:{server.server_port}/"
    with tempfile.TemporaryDirectory() as profile:
        driver = browser(profile)
        try:
            links, ids, wrong = look_at(driver, base, pages)
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                   {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
            driver.execute_script("localStorage.clear()")
            for page in set(SHOWN_DARK) & set(pages):
                driver.get(base + page)
                shot(driver, page, "dark")
        finally:
            driver.quit()
            server.shutdown()
    more, outside = check_links(base, links, ids, not pattern)
    for target, count in sorted(outside.items()):
        print(f"leaves the site, not followed: {target} ({count} pages)")
    for each in wrong + more:
        print(f"docs: {each}", file=sys.stderr)
    print(f"docs: {len(pages)} pages at {' and '.join(str(width) for width, _ in WIDTHS.values())} px, "
          f"{sum(len(set(targets)) for targets in links.values())} links, {len(wrong + more)} defects")
    sys.exit(1 if wrong or more else 0)


if __name__ == "__main__":
    main()

"""Uses the page of bulwark-demo --web in headless Chromium, as a person would, and keeps screenshots of what it saw.

check_page.py PROGRAM DIRECTORY. Exit code 0 where all of it was as it should be. Times are bounds on a hang, nothing else.
"""

import base64
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60  # seconds


def browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    flags = ["headless=new", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
             "disable-component-update", "disable-sync", "no-proxy-server", f"user-data-dir={profile}"]
    if os.geteuid() == 0:
        flags.append("no-sandbox")  # Chromium has no sandbox for root
    for flag in flags:
        options.add_argument("--" + flag)
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class Page:
    def __init__(self, driver, directory):
        self.driver = driver
        self.directory = directory

    def wait(self, what, holds):
        WebDriverWait(self.driver, PATIENCE).until(lambda _: holds(), message=f"never so: {what}")
        print(f"seen: {what}")

    def text(self, element):
        return self.driver.find_element(By.ID, element).text

    def wait_for_state(self, *states):
        self.wait("the breaker is " + " or ".join(states), lambda: self.text("state") in states)

    def control(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def switch(self, setting):
        """With the keyboard."""
        self.control(f"[data-setting={setting}]").send_keys(Keys.SPACE)

    def size(self, width, height, scale, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 800})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        time.sleep(1)  # a few samples are drawn
        overflow = self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{overflow} px too wide at {width} px"

    def keep(self, name, whole=False):
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole})
        (self.directory / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


def use(page, url):
    driver = page.driver
    driver.get(url)
    page.size(1280, 1000, 1)
    page.wait_for_state("closed")
    time.sleep(14)

    page.switch("hang")
    page.wait_for_state("open")
    page.wait("calls are refused by the breaker", lambda: int(page.text("value_refused_by_breaker")) > 0)
    time.sleep(7)
    page.switch("breaker")
    page.wait("without the breaker the permits run out", lambda: page.text("in_use").startswith("16 of 16"))
    page.wait("and the bulkhead refuses", lambda: int(page.text("value_refused_by_bulkhead")) > 0)
    time.sleep(7)
    page.switch("bulkhead")
    page.wait("without the bulkhead all callers are stuck", lambda: page.text("value_in_flight") == "48")
    time.sleep(7)
    page.switch("bulkhead")
    page.switch("breaker")
    page.wait_for_state("open", "half-open")
    time.sleep(5)
    page.switch("hang")
    page.wait_for_state("closed")
    time.sleep(6)
    page.control("[data-setting=error_percent]").send_keys(Keys.END)
    page.wait_for_state("open")
    time.sleep(2)
    page.keep("desktop")
    page.size(1280, 1000, 1, dark=True)
    page.keep("desktop-dark")
    for width in (320, 390):
        page.size(width, 844, 2)
        page.keep(f"phone-{width}")
    page.keep("phone-whole", whole=True)
    page.size(1280, 1000, 1)
    page.control("#healthy").click()
    page.wait_for_state("closed")
    page.control("[data-command=force_open]").click()
    page.wait("forced open, for ever", lambda: page.text("retry_after") == "never")
    page.control("[data-command=reset]").click()
    page.wait_for_state("closed")
    assert "force_open" in page.text("log")
    assert page.text("problem") == ""

    fetched = driver.execute_script("return performance.getEntriesByType('resource').map((r) => r.name)")
    assert all(name.startswith((url, "data:")) for name in fetched), fetched
    said = driver.get_log("browser")
    assert not said, said


def main(program, directory):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([program, "--web", "--seconds", "600"], stdout=subprocess.PIPE, text=True) as demo:
        try:
            url = demo.stdout.readline().split()[1]
            # Chromium may still write into its profile while it goes.
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                driver = browser(profile)
                try:
                    page = Page(driver, directory)
                    use(page, url)
                    demo.send_signal(signal.SIGINT)
                    demo.wait(PATIENCE)
                    page.wait("the page says that the program has ended", lambda: "ended" in page.text("connection"))
                finally:
                    driver.quit()
        finally:
            demo.terminate()
    assert demo.returncode == 0, f"exit code {demo.returncode}"
    print(f"browser: all well; screenshots in {directory}")


main(*sys.argv[1:])

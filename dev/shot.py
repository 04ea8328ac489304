"""Takes a picture of a page of Odoo with headless Chromium, through the DevTools protocol."""
import base64
import http.cookiejar
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import websocket

USAGE = (
    "dev/shot URL FILE.png [WIDTHxHEIGHT] [LOGIN] [TEXT...]   (the password is the login; LOGIN - is nobody;"
    " each TEXT is the text, title or CSS selector of something to click first)"
)
QUIET = 1.0  # seconds without a request: the page is drawn
PATIENCE = 60.0


def session_cookie(origin, login):
    """Log in through the login page and return the session's id."""
    cookies = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    page = opener.open(f"{origin}/web/login", timeout=PATIENCE).read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if not token:
        sys.exit(f"dev/shot: {origin} is no Odoo")
    form = {"csrf_token": token[1], "login": login, "password": login, "redirect": "/web/health"}
    answer = opener.open(f"{origin}/web/login", urllib.parse.urlencode(form).encode(), timeout=PATIENCE)
    if "/web/login" in answer.url:
        sys.exit(f"dev/shot: {login} could not log in")
    return next(cookie.value for cookie in cookies if cookie.name == "session_id")


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, width, height):
        self.profile = tempfile.mkdtemp(prefix="qualiopi-shot-")
        chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
        if not chromium:
            sys.exit("dev/shot: Chromium is not installed; run dev/setup")
        self.process = subprocess.Popen(
            [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--hide-scrollbars", "--remote-debugging-port=0",
                "--remote-allow-origins=*", f"--user-data-dir={self.profile}",
                f"--window-size={width},{height}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        port_file = Path(self.profile, "DevToolsActivePort")
        end = time.monotonic() + PATIENCE
        while not (port_file.exists() and port_file.read_text().strip()):
            if time.monotonic() > end or self.process.poll() is not None:
                self.close()
                sys.exit("dev/shot: Chromium did not start")
            time.sleep(0.1)
        port = port_file.read_text().split()[0]
        pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list"))
        target = next(page for page in pages if page["type"] == "page")
        self.socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=PATIENCE)
        self.last_id = 0
        self.pending = set()
        self.last_event = time.monotonic()
        self.console = []

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            # The bus worker keeps a request open for ever.
            if "/websocket" not in params["request"]["url"]:
                self.pending.add(params["requestId"])
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self.pending.discard(params["requestId"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description") or details["text"])
            return
        elif method == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.console.append(" ".join(str(arg.get("value", arg.get("description", ""))) for arg in params["args"]))
            return
        else:
            return
        self.last_event = time.monotonic()

    def send(self, method, **params):
        """Send one command and return its result."""
        self.last_id += 1
        self.socket.settimeout(PATIENCE)
        self.socket.send(json.dumps({"id": self.last_id, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.last_id:
                return message.get("result", {})
            self._note(message)

    def settle(self):
        """Wait until the page has been quiet for a while."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.socket.settimeout(0.2)
            try:
                self._note(json.loads(self.socket.recv()))
            except websocket.WebSocketTimeoutException:
                pass
            if not self.pending and time.monotonic() - self.last_event > QUIET and self._drawn():
                return
        print("dev/shot: the page never came to rest", file=sys.stderr)

    def click(self, text):
        """Click the topmost visible thing with this text or title, or of this CSS selector."""
        script = """((text) => {
            const visible = (found) => found.getClientRects().length > 0;
            const all = [...document.querySelectorAll("button, a, [role=tab], [role=menuitem], label, td, span, div")];
            const named = (found) => [found.innerText, found.title, found.getAttribute("aria-label")]
                .some((name) => name && name.trim() === text);
            let found = all.filter((element) => visible(element) && named(element))[0];
            if (!found) {
                try { found = [...document.querySelectorAll(text)].filter(visible)[0]; } catch { found = null; }
            }
            if (!found) { console.error("nothing to click: " + text); return; }
            found.scrollIntoView({block: "center"});
            found.click();
        })"""
        self.send("Runtime.evaluate", expression=f"{script}({json.dumps(text)})")
        self.last_event = time.monotonic()
        self.settle()

    def _drawn(self):
        result = self.send("Runtime.evaluate", expression="""
            document.readyState === "complete"
            && !document.querySelector(".o_loading_indicator, .o_blockUI")
            && (!document.querySelector(".o_web_client")
                || Boolean(document.querySelector(".o_action_manager > *, .o_home_menu")))
        """)
        return result.get("result", {}).get("value")


def main():
    """Read the arguments, take the picture and say what the browser's console complained of."""
    arguments = sys.argv[1:]
    if len(arguments) < 2:
        sys.exit(USAGE)
    url, file, size, login = (arguments + ["1400x900", "admin"][len(arguments) - 2:])[:4]
    clicks = arguments[4:]
    if url.startswith("/"):
        url = "http://127.0.0.1:8069" + url
    try:
        width, height = (int(part) for part in size.split("x"))
    except ValueError:
        sys.exit(USAGE)
    parts = urllib.parse.urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    browser = None
    try:
        session = None if login == "-" else session_cookie(origin, login)
        browser = Browser(width, height)
        browser.send("Network.enable")
        browser.send("Page.enable")
        browser.send("Runtime.enable")
        browser.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=width < 768)
        browser.send("Emulation.setTimezoneOverride", timezoneId="Europe/Paris")
        browser.send("Network.setExtraHTTPHeaders", headers={"Accept-Language": "fr-FR,fr"})
        if session:
            browser.send("Network.setCookie", name="session_id", value=session, url=origin)
        browser.send("Page.navigate", url=url)
        browser.settle()
        for text in clicks:
            browser.click(text)
        picture = browser.send("Page.captureScreenshot", format="png")["data"]
        Path(file).write_bytes(base64.b64decode(picture))
        for line in browser.console:
            print(f"console: {line}", file=sys.stderr)
    except urllib.error.URLError as error:
        sys.exit(f"dev/shot: nothing answers at {origin} ({error.reason}); start dev/run")
    except OSError as error:
        sys.exit(f"dev/shot: {error}")
    finally:
        if browser:
            browser.close()


if __name__ == "__main__":
    main()

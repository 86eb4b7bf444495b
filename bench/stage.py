"""What the measurements run on: tools, documents, nginx, toolboxes. Not for: figures.

Everything listens on loopback and lives below one work folder; every process is a child that `Stage.close` ends.
"""

import gzip
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tarfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEBIAN_TOOLS = {"nginx": "nginx-light", "wrk": "wrk", "hyperfine": "hyperfine", "curl": "curl"}
# The upstream's answer: about 1 KB, like a small resource of a real API.
RESOURCE = json.dumps({
    "id": 1296269, "full_name": "octocat/hello-world", "private": False,
    "owner": {"login": "octocat", "id": 1, "type": "User", "site_admin": False},
    "description": "This is a small resource. " * 30, "fork": False, "stargazers_count": 80,
    "topics": ["octocat", "atom", "electron", "api"], "default_branch": "main",
})
RESOURCE_PATH = "/repos/octocat/hello-world"
NGINX = """
daemon off; worker_processes 1; pid {work}/{name}.pid; error_log {work}/{name}.log warn;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; tcp_nodelay on;
  client_body_temp_path {work}/tmp; proxy_temp_path {work}/tmp; fastcgi_temp_path {work}/tmp;
  uwsgi_temp_path {work}/tmp; scgi_temp_path {work}/tmp;
  {http}
}}
"""
UPSTREAM = """
  open_file_cache max=100; default_type application/json; sendfile on;
  server {{ listen 127.0.0.1:{port} backlog=1024; root {work}/www; }}
"""
PROXY = """
  upstream origin {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
"""


def need_tools():
    """Installs what is missing from Debian."""
    missing = [package for program, package in DEBIAN_TOOLS.items() if not shutil.which(program)]
    if missing:
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*sudo, "apt-get", "update", "-qq"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
                       check=True, stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"nothing listens on port {port}")


def request(port, method, path, body=None, headers=None, timeout=30):
    """One exchange: (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict((k.lower(), v) for k, v in response.getheaders()), response.read()
    finally:
        connection.close()


def github_document(work):
    """GitHub's REST description: a copy beside the checkout, else the npm package that publishes it."""
    near = ROOT.parent / "shared/data/openapi/github.api.github.com.3.0.json.gz"
    if near.exists():
        return json.loads(gzip.decompress(near.read_bytes()))
    packed = sorted(work.glob("octokit-openapi-*.tgz"))
    if not packed:
        subprocess.run(["npm", "pack", "--silent", "@octokit/openapi@23.0.2"], cwd=work, check=True,
                       stdout=subprocess.DEVNULL)
        packed = sorted(work.glob("octokit-openapi-*.tgz"))
    with tarfile.open(packed[-1]) as archive:
        return json.load(archive.extractfile("package/generated/api.github.com.json"))


def small_document(document):
    """Ten operations of it, one of them the one that is measured, without schemas."""
    paths = {}
    for path, item in document["paths"].items():
        if len(paths) < 9 and "get" in item and path.startswith("/repos/{owner}/{repo}/a"):
            paths[path] = {"get": item["get"]}
    paths["/repos/{owner}/{repo}"] = {"get": document["paths"]["/repos/{owner}/{repo}"]["get"]}
    keep = {"parameters"}
    components = {k: v for k, v in document.get("components", {}).items() if k in keep}
    for item in paths.values():
        item["get"] = {**item["get"], "responses": {"200": {"description": "ok"}}}
    return {"openapi": document["openapi"], "info": document["info"], "paths": paths, "components": components}


class Stage:
    """The running programs of one benchmark."""

    def __init__(self, programs, work):
        self.programs, self.work, self.children = programs, work, []
        for name in ("www", "tmp"):
            shutil.rmtree(work / name, ignore_errors=True)
        resource = work / ("www" + RESOURCE_PATH)
        resource.parent.mkdir(parents=True)
        resource.write_text(RESOURCE)
        (work / "tmp").mkdir()
        # nginx started as root changes to another user, who must reach the files.
        for folder in (work, *resource.parents):
            if folder.is_relative_to(work):
                folder.chmod(0o755)
        self.upstream = self.nginx("upstream", UPSTREAM)
        self.proxy = self.nginx("proxy", PROXY, upstream=self.upstream)
        document = github_document(work)
        self.github = self.config("github", document)
        self.small = self.config("small", small_document(document))

    def spawn(self, command, **options):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.children.append(child)
        return child

    def nginx(self, name, http_block, **values):
        port = free_port()
        http_block = http_block.format(port=port, work=self.work, **values)
        config = self.work / f"{name}.conf"
        user = "user root;\n" if os.geteuid() == 0 else ""
        config.write_text(user + NGINX.format(work=self.work, name=name, http=http_block))
        self.spawn(["nginx", "-p", str(self.work), "-c", str(config), "-e", str(self.work / f"{name}.log")])
        wait_for_port(port)
        return port

    def config(self, name, document):
        """A folder with a configuration and a document whose server is our upstream."""
        folder = self.work / name
        folder.mkdir(exist_ok=True)
        document = {**document, "servers": [{"url": f"http://127.0.0.1:{self.upstream}"}]}
        (folder / "openapi.json").write_text(json.dumps(document, indent=2))
        config = {
            "cli": "1.0.0", "mode": {"default": "discover"},
            "sources": {"github": {"type": "openapi", "uri": "./openapi.json"}},
            "services": {"github": {"source": "github", "alias": "github"}},
        }
        path = folder / ".cli.json"
        path.write_text(json.dumps(config))
        return path

    def toolbox(self, config, state, flags=(), variables=None):
        """Starts a toolbox; returns (process, port, start time). It may not listen yet."""
        port = free_port()
        command = [self.programs / "open-cli-toolbox", "--addr", f"127.0.0.1:{port}", "--config", config,
                   "--state-dir", state, *flags]
        with open(self.work / "toolbox.log", "ab") as log:
            started = time.monotonic()
            child = self.spawn([str(word) for word in command], stdout=log, stderr=log,
                               env={**os.environ, **(variables or {})})
        return child, port, started

    def stop(self, child):
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self.children.remove(child)

    def close(self):
        for child in list(self.children):
            self.stop(child)

"""The MLflow UI on the project's own store."""

import subprocess
import sys
from pathlib import Path

from xstilts.tracking.store import artifacts_for, opened, tracking_uri_for


def serve_ui(root: Path, tracking_uri: str | None, *, host: str, port: int) -> None:
    """Serve the UI until it is stopped.

    Args:
        root: the project's root.
        tracking_uri: the store; nothing for the environment's or the project's own.
        host: loopback unless told otherwise.
        port: on this machine.
    """
    uri = tracking_uri_for(root, tracking_uri)
    if uri.startswith("http"):
        print(f"The runs are on a server: open {uri} in a browser.")
        return
    with opened(root, tracking_uri):
        pass
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        uri,
        "--host",
        host,
        "--port",
        str(port),
    ]
    command += ["--workers", "1", "--default-artifact-root", artifacts_for(root, uri) or "mlartifacts"]
    print(f"MLflow UI: http://{host}:{port} (Ctrl-C ends it; it takes about 10 seconds to start)", flush=True)
    subprocess.run(command, cwd=root, check=False)

"""Is the process in this container alive? For the image's HEALTHCHECK: asks /livez, standard library only."""

import http.client
import os
import sys


def main() -> int:
    """Exits with 0 if the response is 200 within 2 s."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=2)
    try:
        connection.request("GET", "/livez")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, http.client.HTTPException) as failure:
        sys.stderr.write(f"/livez: {type(failure).__name__}\n")
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())

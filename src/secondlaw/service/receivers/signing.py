"""Signatures of webhooks as Standard Webhooks defines them (standardwebhooks.com, specification of 2023).

The receiver computes HMAC-SHA256 over ``id.timestamp.body`` with the shared secret and compares it with the header.
"""

import base64
import binascii
import hmac
from datetime import datetime
from hashlib import sha256

from pydantic import SecretStr

__all__ = ["signed_headers"]

PREFIX = "whsec_"


def signed_headers(body: bytes, *, key: str, now: datetime, secret: SecretStr | None) -> dict[str, str]:
    """Return the headers that name a message, and with a secret those that sign it.

    Parameters
    ----------
    body : bytes
    key : str
        Names the message; the same when it is sent again.
    now : datetime
    secret : SecretStr or None
        ``whsec_`` and base64, or any other text, whose bytes are the key.

    Examples
    --------
    >>> secret = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")  # from the reference library's tests
    >>> sent = datetime.fromisoformat("2021-02-25T15:02:10+00:00")
    >>> headers = signed_headers(b'{"test": 2432232314}', key="msg_p5jXN8AQM9LWM0D4loKWxJek", now=sent, secret=secret)
    >>> headers["webhook-timestamp"], headers["webhook-signature"]
    ('1614265330', 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
    """
    named = {"Idempotency-Key": key}
    if secret is None:
        return named
    at = str(int(now.timestamp()))
    digest = hmac.new(_bytes_of(secret.get_secret_value()), f"{key}.{at}.".encode() + body, sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {**named, "webhook-id": key, "webhook-timestamp": at, "webhook-signature": signature}


def _bytes_of(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass  # a text that happens to begin so
    return secret.encode()

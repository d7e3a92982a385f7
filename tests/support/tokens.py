# SPDX-License-Identifier: Apache-2.0
"""Keys, JWTs and JWK Sets, sound and unsound: a JWT here is whatever a test wants it to be. Keys are made once in a run, since RSA is slow."""
import base64
import functools
import hashlib
import hmac
import json
import secrets

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "secp256k1": ec.SECP256K1}
# What "left out" allows, and what is a signature too but is not among them.
ALLOWED = ("RS256", "RS512", "PS256", "ES256")
OTHERS = ("RS384", "PS384", "PS512", "HS256", "HS384", "HS512", "none")


def b64(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def text_of(part):
    """A header or payload as bytes: a map is written as JSON, a text or bytes stay what they are."""
    if isinstance(part, bytes):
        return part
    return (part if isinstance(part, str) else json.dumps(part)).encode("utf-8", "surrogatepass")


class Key:
    """A key pair; its name is the `kid`."""

    def __init__(self, name, private):
        self.name = name
        self.private = private

    def _public_numbers(self):
        numbers = self.private.public_key().public_numbers()
        if isinstance(numbers, rsa.RSAPublicNumbers):
            return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        size = (numbers.curve.key_size + 7) // 8
        curve = next(name for name, kind in CURVES.items() if isinstance(numbers.curve, kind))
        return {"kty": "EC", "crv": curve, "x": number(numbers.x, size), "y": number(numbers.y, size)}

    def jwk(self, **members):
        """The public key as a JWK, with these members; None leaves one out."""
        whole = {**self._public_numbers(), "kid": self.name, "use": "sig", **members}
        return {name: value for name, value in whole.items() if value is not None}

    def private_jwk(self, **members):
        numbers = self.private.private_numbers()
        value = numbers.d if isinstance(numbers, rsa.RSAPrivateNumbers) else numbers.private_value
        return self.jwk(d=number(value), **members)

    def pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def der(self):
        return self.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@functools.lru_cache(maxsize=None)
def rsa_key(owner, name, bits=2048, exponent=65537):
    return Key(name, rsa.generate_private_key(exponent, bits))


@functools.lru_cache(maxsize=None)
def ec_key(owner, name, curve="P-256"):
    return Key(name, ec.generate_private_key(CURVES[curve]()))


def raw(der, size=32):
    """An ECDSA signature as JOSE wants it: r and s, one after the other."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signature(algorithm, key, data, salt=None):
    """The bytes of a signature. For HMAC the "key" is the secret, as bytes."""
    kind, digest = algorithm[:2], algorithm[2:]
    if kind == "HS":
        return hmac.new(key, data, f"sha{digest}").digest()
    if digest not in HASHES:
        return b""
    digest = HASHES[digest]()
    if kind == "RS":
        return key.private.sign(data, padding.PKCS1v15(), digest)
    if kind == "PS":
        return key.private.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size if salt is None else salt), digest)
    return raw(key.private.sign(data, ec.ECDSA(digest)), (key.private.curve.key_size + 7) // 8)


def jwt(claims, key, algorithm="RS512", header=(), sign=None):
    """A compact JWT. `header` is what stands beside `alg`, `typ` and `kid` (None leaves one out), or the whole header as text;
    `claims` may be text too. `sign` makes the signature of what is signed, instead of the key by the algorithm."""
    if not isinstance(header, (str, bytes)):
        whole = {"alg": algorithm, "typ": "JWT", "kid": getattr(key, "name", None), **dict(header)}
        header = {name: value for name, value in whole.items() if value is not None}
    signed = f"{b64(text_of(header))}.{b64(text_of(claims))}"
    made = sign(signed.encode()) if sign else signature(algorithm, key, signed.encode())
    return f"{signed}.{b64(made)}"


def with_part(token, index, change):
    """A token with one of its three parts changed afterwards, so that the signature is that of another text."""
    parts = token.split(".")
    parts[index] = change(parts[index])
    return ".".join(parts)


def parts_of(token):
    """What must never be seen again of a token: its parts, where they are long enough to be told from chance."""
    return [part for part in token.split(".") if len(part) >= 12]


def jwks(*keys, **beside):
    """A JWK Set of keys and of finished JWKs."""
    return {"keys": [key.jwk() if isinstance(key, Key) else key for key in keys], **beside}


def api_key(name):
    """An API key which nobody else has, and which can be found again wherever it should not be."""
    return f"MARKER-{name}-{secrets.token_hex(16)}"


def thumbprint(der):
    """The SHA-256 of something, as evidence settings write it."""
    return "sha256:" + ":".join(f"{byte:02x}" for byte in hashlib.sha256(der).digest())

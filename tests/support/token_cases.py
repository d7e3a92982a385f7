# SPDX-License-Identifier: Apache-2.0
"""Tokens for rules 1 to 5 of "How a token is checked": name -> how a token of a kind is made. What passes, what is refused, what is expired."""
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from .evidence import CLIENTS, SKEW, TOKEN_URL, key_of
from .requests import NOW
from .tokens import Key, b64, ec_key, jwt, rsa_key, signature, unb64, with_part

ID_TOKENS = ("id_token", "nhs_login")
ALL = ("client_assertion", "access_token", "id_token", "userinfo", "nhs_login")
TYPES = {"access_token": "at+jwt", "client_assertion": "client-authentication+jwt"}
ATTACKER = ("attacker", "k1")
OURS = {"client_assertion": TOKEN_URL}


def ours(kind):
    return OURS.get(kind.member, CLIENTS[0])


def deep(levels):
    """A list in a list, so many deep."""
    return "[" * levels + "]" * levels


def text(kind, more="", **changes):
    """The claims as text, with more text before the last brace."""
    return json.dumps(kind.claims(**changes))[:-1] + (", " + more if more else "") + "}"


def sized(kind, size):
    """A token of exactly so many bytes. base64 leaves out one size in four, which a byte more in the header mends."""
    for more in ("", "y", "yy"):
        header = {"more": more}
        start = len(kind.token(header=header, filler=""))
        for length in range(max(0, (size - start) * 3 // 4 - 6), (size - start) * 3 // 4 + 6):
            token = kind.token(header=header, filler="x" * length)
            if len(token) == size:
                return token
    raise AssertionError(f"no token of {size} bytes can be made")


def several(kind, **changes):
    """Two audiences; who may use an ID token is then said by `azp`."""
    return kind.token(aud=["somebody-else", ours(kind)], azp=ours(kind) if kind.member in ID_TOKENS else None, **changes)


PASS = {
    "as it is made": lambda kind: kind.token(),
    "by PS256, with a key for it": lambda kind: kind.token("PS256", kind.key("kps")),
    "by PS256": lambda kind: kind.token("PS256"),
    "by RS256": lambda kind: kind.token("RS256"),
    "by RS256, with a key for it": lambda kind: kind.token("RS256", kind.key("k256")),
    "by ES256": lambda kind: kind.token("ES256", kind.key("e1")),
    "by the second key": lambda kind: kind.token(key=kind.key("k2")),
    "without a kid, where one key fits": lambda kind: kind.token("ES256", kind.key("e1"), header={"kid": None}),
    "azp is null": lambda kind: jwt(json.dumps({**kind.claims(), "azp": None}), kind.key()),
    "of no stated type": lambda kind: kind.token(header={"typ": None}),
    "of its own type": lambda kind: kind.token(header={"typ": TYPES.get(kind.member, "JWT")}),
    "with keys in its header, which are not looked at": lambda kind: kind.token(header={
        "jku": "https://attacker.example/jwks", "x5u": "file:///etc/passwd", "jwk": rsa_key(*ATTACKER).jwk(), "x5c": ["!"]}),
    "its audience in a list of one": lambda kind: kind.token(aud=[ours(kind)]),
    "its audience in a list of two": several,
    "issued and begun as late as clocks may differ": lambda kind: kind.token(iat=NOW + SKEW, nbf=NOW + SKEW),
    "one second before its end": lambda kind: kind.token(exp=NOW + 1),
    "as deep as it may be": lambda kind: jwt(text(kind, f'"deep": {deep(31)}'), kind.key()),
    "with blanks in its JSON": lambda kind: jwt(json.dumps(kind.claims(), indent=3) + "\n", kind.key()),
    "with letters of every size": lambda kind: kind.token(name="Zoë 𝒳 ń \" \\ /"),
    "as long as it may be": lambda kind: sized(kind, 16384),
}

FORM = {
    "two parts": lambda kind: kind.token().rpartition(".")[0],
    "four parts": lambda kind: kind.token() + ".AAAA",
    "five parts": lambda kind: kind.token() + ".AAAA.AAAA",
    "one part": lambda kind: kind.token().replace(".", ""),
    "three empty parts": lambda kind: "..",
    "no signature": lambda kind: with_part(kind.token(), 2, lambda part: ""),
    "no header": lambda kind: with_part(kind.token(), 0, lambda part: ""),
    "no payload": lambda kind: with_part(kind.token(), 1, lambda part: ""),
    "a padded header": lambda kind: with_part(kind.token(), 0, lambda part: part + "=" * (-len(part) % 4 or 4)),
    "a padded signature": lambda kind: with_part(kind.token(), 2, lambda part: part + "=="),
    "a padded payload": lambda kind: padded_payload(kind),
    "plain base64": lambda kind: with_part(kind.token(), 2, lambda part: "+/" + part[2:]),
    "a length that base64 does not have": lambda kind: with_part(kind.token(), 2, lambda part: part + "AAA"),
    "blanks before it": lambda kind: " " + kind.token(),
    "a line end behind it": lambda kind: kind.token() + "\n",
    "a line end within": lambda kind: with_part(kind.token(), 2, lambda part: part[:40] + "\n" + part[40:]),
    "`Bearer` before it": lambda kind: "Bearer " + kind.token(),
    "a header that is a list": lambda kind: jwt(kind.claims(), kind.key(), header='["RS512"]'),
    "a header that is no JSON": lambda kind: jwt(kind.claims(), kind.key(), header="{alg:RS512}"),
    "a payload that is a list": lambda kind: jwt("[" + text(kind) + "]", kind.key()),
    "a payload that is a text": lambda kind: jwt('"claims"', kind.key()),
    "a payload that is null": lambda kind: jwt("null", kind.key()),
    "a payload that is cut": lambda kind: jwt(text(kind)[:-1], kind.key()),
    "a payload with more behind it": lambda kind: jwt(text(kind) + " {}", kind.key()),
    "a payload with a comment": lambda kind: jwt("/* */" + text(kind), kind.key()),
    "a payload with a comma too many": lambda kind: jwt(text(kind)[:-1] + ",}", kind.key()),
    "a payload that is no UTF-8": lambda kind: jwt(text(kind).encode()[:-1] + b', "name": "\xff\xfe"}', kind.key()),
    "half a surrogate": lambda kind: jwt(text(kind, '"name": "\\ud800"'), kind.key()),
    "a UTF-16 payload": lambda kind: jwt(text(kind).encode("utf-16"), kind.key()),
    "NaN": lambda kind: jwt(text(kind, '"n": NaN'), kind.key()),
    "a member twice": lambda kind: jwt(text(kind, f'"aud": {json.dumps(ours(kind))}'), kind.key()),
    "a member twice, the second spelt otherwise": lambda kind: jwt(text(kind, f'"\\u0061ud": {json.dumps(ours(kind))}'), kind.key()),
    "a member twice, within": lambda kind: jwt(text(kind, '"act": [{"x": {"sub": "1", "sub": "2"}}]'), kind.key()),
    "a member twice in the header": lambda kind: jwt(kind.claims(), kind.key(), header='{"alg": "RS512", "kid": "k1", "alg": "RS512"}'),
    "too deep by one": lambda kind: jwt(text(kind, f'"deep": {deep(32)}'), kind.key()),
    "much too deep": lambda kind: jwt(text(kind, f'"deep": {deep(4000)}'), kind.key()),
    "a byte too long": lambda kind: sized(kind, 16385),
}


def padded_payload(kind):
    """The padding is signed too, so that it alone is what is wrong."""
    for filler in ("", "x"):
        header, payload, _ = kind.token(filler=filler).split(".")
        if len(payload) % 4:
            signed = f"{header}.{payload}" + "=" * (-len(payload) % 4)
            return f"{signed}.{b64(signature('RS512', kind.key(), signed.encode()))}"
    raise AssertionError("one of the two has padding")


def hmac_with(secret, digest="256"):
    """The old trick: the public key as the secret of an HMAC."""
    return lambda kind: kind.token(f"HS{digest}", sign=lambda data: signature(f"HS{digest}", secret(kind.key()), data))


def unsigned(algorithm):
    return lambda kind: kind.token(algorithm, sign=lambda data: b"")


def der_signature(kind):
    return kind.token("ES256", kind.key("e1"), sign=lambda data: kind.key("e1").private.sign(data, ec.ECDSA(hashes.SHA256())))


def named_otherwise(key, name):
    """A key under another's name."""
    return Key(name, key.private)


ALGORITHM = {
    "none": unsigned("none"), "None": unsigned("None"), "NONE": unsigned("NONE"), "an empty algorithm": unsigned(""),
    "none, with a signature": lambda kind: kind.token("none", sign=lambda data: signature("RS512", kind.key(), data)),
    "none and no kid": lambda kind: kind.token("none", header={"kid": None}, sign=lambda data: b""),
    "no algorithm": lambda kind: kind.token(header={"alg": None}),
    "an algorithm that is a list": lambda kind: kind.token(header={"alg": ["RS512"]}),
    "an algorithm that is null": lambda kind: jwt(kind.claims(), kind.key(), header='{"alg": null, "kid": "k1"}'),
    "HS256 with the public key, PEM": hmac_with(Key.pem), "HS256 with the public key, DER": hmac_with(Key.der),
    "HS512 with the public key, PEM": hmac_with(Key.pem, "512"),
    "HS256 with the modulus": hmac_with(lambda key: unb64(key.jwk()["n"])), "HS256 with an empty secret": hmac_with(lambda key: b""),
    "RS384, which is not allowed": lambda kind: kind.token("RS384"), "PS512, which is not allowed": lambda kind: kind.token("PS512"),
    "an algorithm in small letters": lambda kind: kind.token(header={"alg": "rs512"}),
    "crit": lambda kind: kind.token(header={"crit": ["exp"]}), "crit of none": lambda kind: kind.token(header={"crit": []}),
    "unencoded payload": lambda kind: kind.token(header={"crit": ["b64"], "b64": False}),
    "the type of a logout token": lambda kind: kind.token(header={"typ": "logout+jwt"}), "an empty type": lambda kind: kind.token(header={"typ": ""}),
    "the type of another kind": lambda kind: kind.token(header={"typ": "client-authentication+jwt" if kind.member == "access_token" else "at+jwt"}),
    "a type that is a list": lambda kind: kind.token(header={"typ": ["JWT"]}), "a type that nobody knows": lambda kind: kind.token(header={"typ": "JWS"}),
    "a key bound to RS384": lambda kind: kind.token("RS256", kind.key("k384")),
    "a kid that nobody has": lambda kind: kind.token(header={"kid": "k3"}), "an empty kid": lambda kind: kind.token(header={"kid": ""}),
    "a kid that is a number": lambda kind: kind.token(header={"kid": 1}), "a kid that is a path": lambda kind: kind.token(header={"kid": "../k1"}),
    "a kid that is cut": lambda kind: jwt(kind.claims(), kind.key(), header='{"alg": "RS512", "kid": "k1\\u0000"}'),
    "no kid, where two keys fit": lambda kind: kind.token(header={"kid": None}),
    "no kid, PS256, where several fit": lambda kind: kind.token("PS256", header={"kid": None}),
    "an elliptic algorithm, an RSA key": lambda kind: kind.token("ES256", named_otherwise(kind.key("e1"), "k1")),
    "an RSA algorithm, an elliptic key": lambda kind: kind.token("RS512", named_otherwise(kind.key("k1"), "e1")),
    "a key that is bound to RS256, by RS512": lambda kind: kind.token("RS512", kind.key("k256")),
    "a key that is bound to PS256, by RS256": lambda kind: kind.token("RS256", kind.key("kps")),
    "a key for encryption": lambda kind: kind.token(key=kind.key("kenc")), "a key that only wraps": lambda kind: kind.token(key=kind.key("kops")),
    "a key that is too small": lambda kind: kind.token("RS256", rsa_key(kind.owner, "small", 1024)),
    "a key on another curve": lambda kind: kind.token("ES256", ec_key(kind.owner, "p384", "P-384")),
    "a header that brings its own key": lambda kind: kind.token(key=rsa_key(*ATTACKER), header={"jwk": rsa_key(*ATTACKER).jwk()}),
    "a header that brings its own key, and no kid": lambda kind: kind.token(key=rsa_key(*ATTACKER), header={
        "kid": None, "jwk": rsa_key(*ATTACKER).jwk(kid=None)}),
}

SIGNATURE = {
    "by a key that is not in the set": lambda kind: kind.token(key=rsa_key(*ATTACKER)),
    "by the other key of the set": lambda kind: kind.token(key=named_otherwise(kind.key("k2"), "k1")),
    "by somebody else's key of that name": lambda kind: kind.token(key=key_of("pharmacy")),
    "of other claims": lambda kind: with_part(kind.token(), 1, lambda part: b64(json.dumps(kind.claims(more=1)).encode())),
    "of another header": lambda kind: with_part(kind.token(), 0, lambda part: b64(b'{"alg":"RS512","kid":"k1"}')),
    "one bit changed": lambda kind: with_part(kind.token(), 2, lambda part: ("A" if part[0] != "A" else "B") + part[1:]),
    "cut by a byte": lambda kind: with_part(kind.token(), 2, lambda part: b64(unb64(part)[:-1])),
    "longer by a zero": lambda kind: with_part(kind.token(), 2, lambda part: b64(unb64(part) + b"\0")),
    "a zero before it": lambda kind: with_part(kind.token(), 2, lambda part: b64(b"\0" + unb64(part))),
    "nothing but zeros": lambda kind: with_part(kind.token(), 2, lambda part: b64(bytes(256))),
    "made by another algorithm": lambda kind: kind.token("RS512", sign=lambda data: signature("RS256", kind.key(), data)),
    "RS512 called PS256": lambda kind: kind.token("PS256", sign=lambda data: signature("RS256", kind.key(), data)),
    "PS256 called RS256": lambda kind: kind.token("RS256", sign=lambda data: signature("PS256", kind.key(), data)),
    "PS256 without salt": lambda kind: kind.token("PS256", sign=lambda data: signature("PS256", kind.key(), data, salt=0)),
    "PS256 with a long salt": lambda kind: kind.token("PS256", sign=lambda data: signature("PS256", kind.key(), data, salt=64)),
    "ES256 in DER": der_signature,
    "ES256 of zeros": lambda kind: kind.token("ES256", kind.key("e1"), sign=lambda data: bytes(64)),
    "ES256 of nothing": lambda kind: kind.token("ES256", kind.key("e1"), sign=lambda data: b""),
    "ES256 without its last byte": lambda kind: with_part(kind.token("ES256", kind.key("e1")), 2, lambda part: b64(unb64(part)[:-1])),
    "ES256 and a byte more": lambda kind: with_part(kind.token("ES256", kind.key("e1")), 2, lambda part: b64(unb64(part) + b"\0")),
    "ES256 by another key": lambda kind: kind.token("ES256", ec_key("attacker", "e1")),
}

CLAIMS = {
    "another issuer": lambda kind: kind.token(iss="https://attacker.example"), "no issuer": lambda kind: kind.token(iss=None),
    "an issuer with a slash more": lambda kind: kind.token(iss=kind.claims()["iss"] + "/"),
    "an issuer in capitals": lambda kind: kind.token(iss=kind.claims()["iss"].upper() + "X"),
    "an issuer in a list": lambda kind: kind.token(iss=[kind.claims()["iss"]]), "an empty issuer": lambda kind: kind.token(iss=""),
    "an issuer that is a number": lambda kind: kind.token(iss=7),
    "another audience": lambda kind: kind.token(aud="client-3"), "no audience": lambda kind: kind.token(aud=None),
    "an empty audience": lambda kind: kind.token(aud=""), "an audience list of none": lambda kind: kind.token(aud=[]),
    "other audiences": lambda kind: kind.token(aud=["client-3", "client-4"]),
    "an audience that only begins so": lambda kind: kind.token(aud=ours(kind) + "0"),
    "an audience that is cut": lambda kind: kind.token(aud=ours(kind)[:-1]),
    "an audience among others in one text": lambda kind: kind.token(aud=ours(kind) + " client-3"),
    "an audience that is a map": lambda kind: kind.token(aud={ours(kind): True}), "an audience that is a number": lambda kind: kind.token(aud=1),
    "an audience in a list in a list": lambda kind: kind.token(aud=[[ours(kind)]]),
    "no exp": lambda kind: kind.token(exp=None), "exp as a text": lambda kind: kind.token(exp=str(NOW + 200)),
    "exp as true": lambda kind: kind.token(exp=True), "exp as a list": lambda kind: kind.token(exp=[NOW + 200]),
    "exp as null": lambda kind: jwt(json.dumps({**kind.claims(), "exp": None}), kind.key()),
    "begins a second too late": lambda kind: kind.token(nbf=NOW + SKEW + 1), "issued a second too late": lambda kind: kind.token(iat=NOW + SKEW + 1),
    "begins tomorrow": lambda kind: kind.token(nbf=NOW + 86400), "nbf as a text": lambda kind: kind.token(nbf=str(NOW - 5)),
    "iat as a text": lambda kind: kind.token(iat="now"), "iat as a map": lambda kind: kind.token(iat={}),
    "no sub": lambda kind: kind.token(sub=None), "an empty sub": lambda kind: kind.token(sub=""), "sub as a number": lambda kind: kind.token(sub=7),
    "sub as a list": lambda kind: kind.token(sub=[kind.claims().get("sub")]),
    "azp is somebody else": lambda kind: kind.token(azp="client-3"), "azp as a list": lambda kind: kind.token(azp=[CLIENTS[0]]),
    "several audiences and no azp": lambda kind: kind.token(aud=[CLIENTS[0], CLIENTS[1]]),
    "a logout token's events": lambda kind: kind.token(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    "several audiences and somebody else's azp": lambda kind: kind.token(aud=[CLIENTS[0], "client-3"], azp="client-3"),
}
# Rules that are for some kinds alone; for the others the token passes, or another rule judges it.
ONLY = {
    "no exp": ALL, "exp as null": ALL,
    **{name: ("client_assertion", *ID_TOKENS) for name in CLAIMS if name in ("no sub", "an empty sub", "sub as a number", "sub as a list")},
    **{name: ID_TOKENS for name in CLAIMS if "azp" in name}, "a logout token's events": (*ID_TOKENS, "userinfo"),
}
REFUSED = {f"{rule}: {name}": made for rule, cases in (("form", FORM), ("alg", ALGORITHM), ("signature", SIGNATURE), ("claims", CLAIMS))
           for name, made in cases.items()}

EXPIRED = {
    "at its end": lambda kind: kind.token(exp=NOW),
    "a second after it": lambda kind: kind.token(exp=NOW - 1),
    "within what clocks may differ": lambda kind: kind.token(exp=NOW - SKEW + 1),
    "long ago": lambda kind: kind.token(exp=NOW - 86400),
    "at the beginning of time": lambda kind: kind.token(exp=0),
}
NOT_FOR_ITS_END_ALONE = {
    "expired, and by a stranger": lambda kind: kind.token(key=rsa_key(*ATTACKER), exp=NOW - 1),
    "expired, and for somebody else": lambda kind: kind.token(aud="client-3", exp=NOW - 1),
    "expired, and of another issuer": lambda kind: kind.token(iss="https://attacker.example", exp=NOW - 1),
    "expired, and unsigned": lambda kind: kind.token("none", sign=lambda data: b"", exp=NOW - 1),
}


def applies(kind, name):
    return kind.member in ONLY.get(name.partition(": ")[2], ALL)

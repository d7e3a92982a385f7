# SPDX-License-Identifier: Apache-2.0
"""Client certificates: by an authority, by themselves, of every age and use."""
import functools
import warnings
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .requests import NOW
from .tokens import ec_key, rsa_key, thumbprint

SUBJECT = "CN=gp,O=Example Surgery,C=GB"        # RFC 4514: the most particular first
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
KINDS = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "C": NameOID.COUNTRY_NAME}
DAY = 86400


def name_of(text):
    """A name as a certificate has it: the least particular first."""
    pairs = [part.split("=", 1) for part in text.split(",")]
    return x509.Name([x509.NameAttribute(KINDS[kind], value) for kind, value in reversed(pairs)])


def when(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)


def span():
    """Seconds from a year before the requests' time and our own to two years after."""
    today = int(datetime.now(timezone.utc).timestamp())
    return min(NOW, today) - 365 * DAY, max(NOW, today) + 730 * DAY


class Certificate:
    def __init__(self, made, key):
        self.made = made
        self.key = key
        self.pem = made.public_bytes(serialization.Encoding.PEM).decode()
        self.fingerprint = thumbprint(made.public_bytes(serialization.Encoding.DER))
        self.ends = made.not_valid_after.replace(tzinfo=timezone.utc)

    def issue(self, subject, key, **given):
        return certificate(subject, key, issuer=self, **given)


def certificate(subject, key, issuer=None, starts=None, ends=None, authority=False, usage=(CLIENT,), digest=hashes.SHA256):
    """A certificate: `starts` and `ends` are Unix seconds; `usage` None leaves the extended key usage out."""
    first, last = span()
    signer = issuer.key if issuer else key
    builder = (x509.CertificateBuilder().subject_name(name_of(subject)).issuer_name(issuer.made.subject if issuer else name_of(subject))
               .public_key(key.private.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(when(first if starts is None else starts)).not_valid_after(when(last if ends is None else ends))
               .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
    if authority:
        builder = builder.add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                                                      key_encipherment=False, data_encipherment=False, key_agreement=False,
                                                      encipher_only=False, decipher_only=False), critical=True)
    elif usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usage)), critical=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of SHA-1, which a test wants
        return Certificate(builder.sign(signer.private, digest()), key)


def _authority(name, issuer=None, **given):
    return certificate(f"CN={name},O=Authority,C=GB", ec_key("authority", name), issuer=issuer, authority=True, **given)


class Cast:
    """The certificates of the tests, made once."""

    def __init__(self):
        first, last = span()
        key = ec_key("certificates", "gp")
        self.root = _authority("root")
        self.middle = _authority("middle", self.root)
        self.stranger = certificate("CN=root,O=Authority,C=GB", ec_key("authority", "stranger"), authority=True)
        self.by_file = certificate("CN=by-file", ec_key("certificates", "file"))
        self.by_fingerprint = certificate("CN=by-fingerprint", ec_key("certificates", "fingerprint"))
        self.until_2027 = certificate("CN=until-2027", ec_key("certificates", "until"))
        self.of_pharmacy = certificate("CN=pharmacy", ec_key("certificates", "pharmacy"))
        self.by_subject = self.root.issue(SUBJECT, key)
        self.by_middle = self.middle.issue(SUBJECT, key)
        self.any_use = self.root.issue(SUBJECT, key, usage=None)
        self.both_uses = self.root.issue(SUBJECT, key, usage=(SERVER, CLIENT))
        self.for_servers = self.root.issue(SUBJECT, key, usage=(SERVER,))
        self.other_subject = self.root.issue("CN=gp2,O=Example Surgery,C=GB", key)
        self.longer_subject = self.root.issue("CN=gp,OU=More,O=Example Surgery,C=GB", key)
        self.reversed_subject = self.root.issue("C=GB,O=Example Surgery,CN=gp", key)
        self.itself = certificate(SUBJECT, key)
        self.by_stranger = self.stranger.issue(SUBJECT, key)
        self.by_no_authority = self.by_subject.issue(SUBJECT, ec_key("certificates", "below"))
        self.of_weak_key = self.root.issue(SUBJECT, rsa_key("certificates", "weak", 1024))
        self.by_sha1 = self.root.issue(SUBJECT, key, digest=hashes.SHA1)
        self.ended = self.root.issue(SUBJECT, key, starts=first, ends=NOW - 1)
        self.not_begun = self.root.issue(SUBJECT, key, starts=NOW + 60, ends=last)
        self.file_ended = certificate("CN=file-ended", ec_key("certificates", "ended"), starts=first, ends=NOW - 1)
        self.soon = certificate("CN=soon", ec_key("certificates", "soon"), ends=max(NOW, last - 730 * DAY) + 10 * DAY)


@functools.lru_cache(maxsize=1)
def cast():
    return Cast()

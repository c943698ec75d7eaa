#!/usr/bin/env python3
"""Makes the certificates of cases.txt with Python's cryptography, which shares no code with openssl's
command: its encodings and defaults are others. What a release of it refuses to make, or cannot, is
listed in the file "left-out".

    certificates.py FOLDER
"""

import datetime
import ipaddress
import shutil
import sys
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = Path(sys.argv[1])
NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
PEM = serialization.Encoding.PEM
MADE = {}  # name: (certificate, key)
LEFT_OUT = []

HERE = ("good.localhost", "localhost", "127.0.0.1", "::1")


def days(count):
    return NOW + datetime.timedelta(days=count)


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def general_name(text):
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    if "@" in text:
        return x509.RFC822Name(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def dns(text):
    """A DNS name as it is, also where it looks like an address."""
    return x509.DNSName(text)


def issue(name, issuer, *extensions, cn=None, time=(-1, 30), digest=hashes.SHA256, bits=0):
    """Extensions are criticals where they come as a pair with True."""
    key = (
        rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
    )
    authority, signer = MADE.get(issuer, (None, key))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name_of(cn or name))
        .issuer_name(authority.subject if authority else name_of(cn or name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(days(time[0]))
        .not_valid_after(days(time[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    for each in extensions:
        value, critical = each if isinstance(each, tuple) else (each, False)
        builder = builder.add_extension(value, critical)
    MADE[name] = builder.sign(signer, digest()), key
    (FOLDER / f"{name}.crt").write_bytes(MADE[name][0].public_bytes(PEM))
    (FOLDER / f"{name}.key").write_bytes(
        key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def usage(**kinds):
    every = dict.fromkeys(
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only".split(),
        False,
    )
    return x509.KeyUsage(**{**every, **kinds}), True


def authority(name, issuer, *extensions, length=None, **how):
    basic = x509.BasicConstraints(ca=True, path_length=length), True
    issue(name, issuer, basic, usage(key_cert_sign=True, crl_sign=True), *extensions, **how)


def server(name, issuer, names, *extensions, **how):
    """A leaf, and the chain up to and without the root."""
    san = [each if isinstance(each, x509.GeneralName) else general_name(each) for each in names]
    given = [x509.SubjectAlternativeName(san)] if san else []
    issue(name, issuer, *given, usage(digital_signature=True), *extensions, **how)
    chain(name, name, *([issuer] if "root" not in issuer and issuer != name else []))


def chain(name, *members, key=None):
    text = b"".join((FOLDER / f"{each}.crt").read_bytes() for each in members)
    (FOLDER / f"{name}.pem").write_bytes(text)
    if members[0] != name:
        shutil.copy(FOLDER / f"{key or members[0]}.key", FOLDER / f"{name}.key")


def revocations(name, issuer, *revoked, time=(-1, 30)):
    certificate, key = MADE[issuer]
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(days(time[0]))
        .next_update(days(time[1]))
    )
    for each in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(MADE[each][0].serial_number)
            .revocation_date(days(-1))
            .build()
        )
    (FOLDER / f"{name}.crl").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(PEM))


def perhaps(make, *names):
    """What not every release makes."""
    try:
        make()
    except (UnsupportedAlgorithm, ValueError, TypeError) as refused:
        print(f"{names[-1]}: {refused}")
        LEFT_OUT.extend(names)


def make_authorities():
    for name in ("root", "other-root"):
        authority(name, name)
    authority("old-root", "old-root", time=(-60, -1))
    authority("inter", "root")
    authority("old-inter", "root", time=(-60, -1))
    authority("rsa-inter", "root", bits=2048)
    authority("revoked-inter", "root")
    authority("path-0", "root", length=0)
    authority("path-1", "path-0")
    authority("false-inter", "other-root", cn="inter")
    issue("tip", "inter", (x509.BasicConstraints(ca=False, path_length=None), True))
    local = [x509.DNSName("localhost")]
    ten = [x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))]
    authority("only-localhost", "root", (x509.NameConstraints(local, None), True))
    authority("never-localhost", "root", (x509.NameConstraints(None, local), True))
    authority("only-10", "root", (x509.NameConstraints(ten, None), True))


def make_names():
    server("good", "inter", HERE)
    server("rsa", "inter", HERE, bits=2048)
    server("expired", "inter", HERE, time=(-60, -1))
    server("future", "inter", HERE, time=(10, 40))
    server("old-inter-leaf", "old-inter", HERE)
    server("old-root-leaf", "old-root", HERE)
    server("wrong-host", "inter", ["wrong.example", "10.1.2.3"])
    server("dns-ip", "inter", [dns("127.0.0.1")])
    server("wild-ip", "inter", ["*.0.0.1"])
    server("cn-only", "inter", [], cn="good.localhost")
    server("cn-besides", "inter", ["other.example"], cn="good.localhost")
    server("wild", "inter", ["*.tls.localhost", "*.example.com"])
    server("wild-part", "inter", ["f*.tls.localhost"])
    server("wild-top", "inter", ["*.localhost"])
    server("wild-middle", "inter", ["a.*.localhost"])
    server("wild-two", "inter", ["*.*.tls.localhost"])
    server("wild-alone", "inter", ["*"])
    server("idn", "inter", ["xn--bcher-kva.localhost"])
    server("upper", "inter", ["GOOD.LocalHost"])
    server("many-names", "inter", [f"name-{i + 1}.example" for i in range(100)])
    server("uri", "inter", ["https://good.localhost/", "someone@good.localhost"])
    perhaps(lambda: server("nul", "inter", ["good.localhost\0.evil.example"]), "nul")
    perhaps(lambda: server("hostile", "inter", ["a.example\n\x1b[31mFORGED\nb"]), "hostile")
    server("hostile-cn", "inter", ["other.example"], cn="a\n\x1b[31mFORGED")


def make_chains():
    server("self-signed", "self-signed", HERE)
    server("from-root", "root", HERE)
    server("unknown", "other-root", HERE)
    chain("unknown-with-root", "unknown", "other-root")
    chain("no-intermediate", "good")
    chain("wrong-order", "good", "root", "other-root", "inter")
    chain("surplus", "good", "inter", "root")
    server("by-tip", "tip", HERE)
    chain("by-tip", "by-tip", "tip", "inter")
    server("too-long", "path-1", HERE)
    chain("too-long", "too-long", "path-1", "path-0")
    server("for-clients", "inter", HERE, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))
    server("for-servers", "inter", HERE, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    server("unknown-critical", "inter", HERE, (odd, True))
    server("forged", "false-inter", HERE)
    chain("forged", "forged", "inter")
    server("nc-inside", "only-localhost", ["good.localhost"])
    server("nc-outside", "only-localhost", ["www.example.com"])
    server("nc-both", "only-localhost", ["good.localhost", "www.example.com"])
    server("nc-excluded", "never-localhost", ["good.localhost"])
    server("nc-ip", "only-10", ["127.0.0.1"])


def make_weak():
    def weak_inter():
        authority("weak-inter", "root", bits=1024)
        server("weak-inter-leaf", "weak-inter", HERE)

    def sha1_inter():
        authority("sha1-inter", "root", digest=hashes.SHA1)
        server("sha1-inter-leaf", "sha1-inter", HERE)

    perhaps(lambda: server("weak-key", "inter", HERE, bits=1024), "weak-key")
    perhaps(lambda: server("short-key", "inter", HERE, bits=2040), "short-key")
    perhaps(lambda: server("weak-self", "weak-self", HERE, bits=1024), "weak-self")
    perhaps(weak_inter, "weak-inter-leaf")
    perhaps(lambda: server("sha1", "inter", HERE, digest=hashes.SHA1), "sha1")
    perhaps(sha1_inter, "sha1-inter-leaf")
    perhaps(lambda: server("md5", "rsa-inter", HERE, digest=hashes.MD5), "md5")


def broken(source, target):
    lines = (FOLDER / source).read_text().splitlines()
    lines[1] = "AAAAAAAAAA" + lines[1][10:]
    (FOLDER / target).write_text("\n".join(lines) + "\n")


def joined(target, *sources):
    (FOLDER / target).write_bytes(b"".join((FOLDER / each).read_bytes() for each in sources))


def make_lists():
    server("revoked", "inter", HERE)
    server("revoked-inter-leaf", "revoked-inter", HERE)
    revocations("inter", "inter", "revoked")
    revocations("root", "root", "revoked-inter")
    revocations("revoked-inter", "revoked-inter")
    revocations("old", "inter", time=(-40, -10))
    revocations("future", "inter", time=(10, 40))
    revocations("false", "false-inter")
    joined("all.crl", "root.crl", "inter.crl", "revoked-inter.crl")
    broken("inter.crl", "broken.crl")


def make_clients():
    for_clients = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    issue("client", "root", for_clients)
    issue("old-client", "root", for_clients, time=(-60, -1))
    issue("stranger", "other-root", for_clients)
    perhaps(lambda: issue("weak-client", "root", for_clients, bits=1024), "weak-client")
    joined("client-with-key.pem", "client.crt", "client.key")
    for name, kind in (
        ("encrypted", serialization.PrivateFormat.PKCS8),
        ("encrypted-ec", serialization.PrivateFormat.TraditionalOpenSSL),
    ):
        (FOLDER / f"{name}.key").write_bytes(
            MADE["client"][1].private_bytes(
                PEM, kind, serialization.BestAvailableEncryption(b"secret")
            )
        )


def make_places():
    (FOLDER / "plain").mkdir()
    shutil.copy(FOLDER / "root.crt", FOLDER / "plain")
    (FOLDER / "root.der").write_bytes(MADE["root"][0].public_bytes(serialization.Encoding.DER))
    joined("roots.pem", "other-root.crt", "root.crt")
    (FOLDER / "text.pem").write_text("no certificate\n")
    broken("root.crt", "broken.pem")
    # The names in it are openssl's own hashes.
    LEFT_OUT.append("hashed")
    # Parameters for a key exchange are no certificates.
    LEFT_OUT.append("weak")


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    make_authorities()
    make_names()
    make_chains()
    make_weak()
    make_lists()
    make_clients()
    make_places()
    (FOLDER / "left-out").write_text("\n".join(LEFT_OUT) + "\n")

"""Where webhooks may go."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.webhooks.guard import HostRules, Target, parse_target

RULES = HostRules.parse("hooks.example.com, *.school.example", "grader.internal,localhost,*.corp")
ANY = HostRules.parse("*", "")
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example.com", Target("hooks.example.com", 443, "/")),
        ("https://Hooks.Example.com:8443/a?b=c#d", Target("hooks.example.com", 8443, "/a?b=c")),
        ("https://[2606:4700::1]/x", Target("2606:4700::1", 443, "/x")),
        ("https://a.example//b", Target("a.example", 443, "//b")),
    ],
)
def test_a_url_is_split(url: str, expected: Target) -> None:
    """Host in lower case; the fragment stays with the sender."""
    assert parse_target(url) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example.com/", "https"),
        ("//hooks.example.com/", "https"),
        ("file:///etc/passwd", "https"),
        ("https://user:password@hooks.example.com/", "user or password"),
        ("https://hooks.example.com@10.0.0.1/", "user or password"),
        ("https://hooks.example.com\\@10.0.0.1/", "encoded"),
        ("https://hooks.example.com/\r\nX-Forged: 1", "encoded"),
        ("https://hooks.example.com/ä", "encoded"),
        ("https://①②⑦.⓪.⓪.①/", "encoded"),
        ("https:///path", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://hooks.example.com:0/", "port"),
        ("https://hooks.example.com:99999/", "not valid"),
        ("https://hooks.example.com:x/", "not valid"),
        ("https://[::1", "not valid"),
        ("https://hooks.example.com/" + "a" * 2048, "characters"),
        ("", "https"),
    ],
)
def test_an_invalid_url_is_refused_with_the_reason(url: str, reason: str) -> None:
    """Https only, without login, control characters or anything that two parsers read apart."""
    assert reason in RULES.refusal(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example.com/", ""),
        ("https://HOOKS.example.com/", ""),
        ("https://a.b.school.example/", ""),
        ("https://grader.internal/", ""),
        ("https://localhost:8443/", ""),
        ("https://school.example/", "not in WEBHOOK_ALLOWED_HOSTS"),
        ("https://evilschool.example/", "not in WEBHOOK_ALLOWED_HOSTS"),
        ("https://hooks.example.com.evil.example/", "not in WEBHOOK_ALLOWED_HOSTS"),
        ("https://hooks.example.com./", "not in WEBHOOK_ALLOWED_HOSTS"),
        ("https://10.0.0.1/", "not in WEBHOOK_ALLOWED_HOSTS"),
    ],
)
def test_only_listed_hosts_are_allowed(url: str, reason: str) -> None:
    """Private hosts count as listed."""
    refusal = RULES.refusal(url)

    assert reason in refusal
    assert bool(reason) == bool(refusal)


def test_without_hosts_webhooks_are_off() -> None:
    """The default; a star among the private hosts would allow every private address."""
    assert "off" in HostRules.parse("", "").refusal("https://hooks.example.com/")
    assert "off" in HostRules.parse(" , ", "*").refusal("https://hooks.example.com/")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_localhost_is_explained(host: str) -> None:
    """Users mean their own machine, and it is that of the sender."""
    assert "not yours" in ANY.refusal(f"https://{host}/")


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254"),
        *("168.63.129.16", "172.16.0.1", "192.0.0.8", "192.0.0.192", "192.168.1.1", "192.88.99.1"),
        *("198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:a9fe:a9fe::"),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1"),
        "not an address",
    ],
)
def test_no_special_address_is_public(address: str) -> None:
    """Also those that `ipaddress` calls global."""
    assert ANY.refusal_of_addresses("hooks.example.com", [address])


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    """By both versions."""
    assert not ANY.refusal_of_addresses("hooks.example.com", [address])


def test_one_wrong_address_refuses_the_host() -> None:
    """A host that leads to the public and inside is not connected to, in any order."""
    addresses = ["1.1.1.1", "10.0.0.1"]

    assert "10.0.0.1" in ANY.refusal_of_addresses("hooks.example.com", addresses)
    assert "10.0.0.1" in ANY.refusal_of_addresses("hooks.example.com", addresses[::-1])
    assert "no address" in ANY.refusal_of_addresses("hooks.example.com", [])


def test_a_private_host_reaches_private_addresses_and_no_more() -> None:
    """Link-local, metadata and loopback stay closed; loopback is for hosts that say so."""
    refusal = RULES.refusal_of_addresses

    assert not refusal("grader.internal", ["10.0.0.1", "100.64.0.1", "fd12::1"])
    assert not refusal("a.corp", ["192.168.0.1"])
    assert not refusal("grader.internal", ["1.1.1.1"])
    assert refusal("hooks.example.com", ["10.0.0.1"])
    for address in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "127.0.0.1", "0.0.0.0"):
        assert refusal("grader.internal", [address])
    assert not refusal("localhost", ["127.0.0.1", "::1"])
    assert refusal("localhost", ["169.254.169.254"])


@given(st.one_of(ADDRESSES, st.integers(0, 2**32 - 1).map(IPv4Address)))
def test_an_allowed_address_is_public_by_every_measure(address: IPv4Address | IPv6Address) -> None:
    """The rules are stricter than the library's, never looser."""
    if not ANY.refusal_of_addresses("hooks.example.com", [str(address)]):
        plain = getattr(address, "ipv4_mapped", None) or address
        assert plain.is_global
        assert not plain.is_multicast
        assert not plain.is_private


@given(st.ip_addresses(v=4))
def test_an_address_within_an_address_is_judged(address: IPv4Address) -> None:
    """An IPv4-mapped address is what it holds; other forms that hold one are refused."""
    one = ANY.refusal_of_addresses("h.example", [str(address)])
    mapped = ANY.refusal_of_addresses("h.example", [f"::ffff:{address}"])

    assert bool(one) == bool(mapped)
    number = int(address)
    for other in (number, (0x64FF9B << 96) | number, (0x2002 << 112) | (number << 80)):
        assert ANY.refusal_of_addresses("h.example", [str(IPv6Address(other))])


@given(st.text(max_size=80).map(lambda text: f"https://{text}"))
def test_any_text_is_split_or_refused(url: str) -> None:
    """No exception, and what is allowed is ASCII without a login."""
    found = parse_target(url)

    if isinstance(found, Target):
        assert found.host
        assert "@" not in found.authority
        assert found.path.isascii()
        assert found.path.isprintable()
        assert found.path.startswith("/")


@given(st.integers(0, 2**32 - 1))
def test_numbers_as_hosts_are_judged_by_what_they_resolve_to(number: int) -> None:
    """The resolver takes 2130706433 for 127.0.0.1, so the text says nothing."""
    found = parse_target(f"https://{number}/")
    assert isinstance(found, Target)
    address = socket.inet_ntoa(socket.inet_aton(found.host)) if number else "0.0.0.0"

    assert bool(ANY.refusal_of_addresses(found.host, [address])) == (
        not ip_address(address).is_global or bool(ANY.refusal_of_addresses("x.example", [address]))
    )

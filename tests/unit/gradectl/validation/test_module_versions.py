"""A module from elsewhere is fixed by a tag, a commit, an exact version or a checksum."""

from __future__ import annotations

import pytest

from gradectl.validation.hcl import parse
from gradectl.validation.module_versions import Unpinned, unpinned

GIT = "git::https://git.example.com/platform/gradectl.git//modules/network"


def judged(source: str, version: str = "") -> Unpinned | None:
    """What is wrong with a module of this source."""
    more = f"  version = {version}\n" if version else ""
    (block,) = parse(f'module "m" {{\n  source = {source}\n{more}}}\n')
    return unpinned(block)


@pytest.mark.parametrize(
    "source",
    [
        "./network",
        "../../modules/network",
        "/srv/modules/network",
        f"{GIT}?ref=v1.2.3",
        f"{GIT}?ref=1.2",
        f"{GIT}?ref=v2.0.0-rc.1",
        f"{GIT}?depth=1&ref=network/v1.2.3",
        f"{GIT}?ref=refs/tags/stable",
        f"{GIT}?ref=release-2026-11-30",
        f"{GIT}?ref=release-20261130",
        f"{GIT}?ref=refs/tags/v1",
        f"{GIT}?ref=v1.2.3.Final",
        f"{GIT}?ref=0123abc",
        f"{GIT}?ref=da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "git@github.com:example/network.git?ref=v1.2.3",
        "github.com/example/network//modules/a?ref=v1.2.3",
        "hg::https://hg.example.com/network?rev=1.2.3",
        "https://example.com/network-1.2.3.zip",
        "https://example.com/network.zip?checksum=sha256:abc",
        "s3::https://s3-eu-west-1.amazonaws.com/b/network.zip?version=Xyz",
    ],
)
def test_a_tag_a_commit_or_a_checksum_is_fixed(source: str) -> None:
    """Either is right; local modules come with the root."""
    assert judged(f'"{source}"') is None


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (GIT, "'m' has no version: name a tag or a commit"),
        (f"{GIT}?ref=main", "follows the branch 'main'"),
        (f"{GIT}?ref=", "has no version"),
        (f"{GIT}?ref=feature/zones", "follows the branch 'feature/zones'"),
        (f"{GIT}?ref=refs/heads/v1.2.3", "follows the branch 'refs/heads/v1.2.3'"),
        (f"{GIT}?ref=HEAD", "follows the branch 'HEAD'"),
        ("git@github.com:example/network.git", "has no version"),
        ("github.com/example/network", "has no version"),
        ("https://example.com/network.zip", "?checksum=sha256:HASH"),
        ("https://user:1.2@example.com/network.zip", "?checksum=sha256:HASH"),
        (f"{GIT}?ref=${{var.version}}", "is an expression"),
    ],
)
def test_what_may_be_another_one_tomorrow_is_found(source: str, what: str) -> None:
    """The message says what to write."""
    found = judged(f'"{source}"')

    assert found
    assert what in found.what
    assert (found.line, found.warning) == (2, False)


@pytest.mark.parametrize(
    "ref", ["release/1.x", "release/1.2.x", "feature/ABC-123", "main-2", "v1", "2026"]
)
def test_what_may_be_a_branch_or_a_tag_is_a_warning(ref: str) -> None:
    """Only the repository knows; the message says how to write it so that everybody does."""
    found = judged(f'"{GIT}?ref={ref}"')

    assert found
    assert f"may follow a branch, {ref!r}" in found.what
    assert f"?ref=refs/tags/{ref}" in found.what
    assert found.warning


@pytest.mark.parametrize(
    ("version", "warning"),
    [
        ('"1.2.3"', None),
        ('"= 1.2.3"', None),
        ('"1.2.3-beta.1"', None),
        ('"~> 1.2"', True),
        ('">= 1.2, < 2.0"', True),
        ('">= 1.2"', False),
        ('"> 1"', False),
        ("local.version", False),
        ("", False),
    ],
)
def test_a_module_of_a_registry_has_one_version(version: str, warning: bool | None) -> None:
    """A range with an upper limit is a warning: Terraform locks providers, not modules."""
    for source in ("cloudposse/label/null", "app.terraform.io/example/network/aws//modules/a"):
        found = judged(f'"{source}"', version)

        assert (found.warning if found else None) is warning


def test_an_expression_as_source_is_found() -> None:
    """Only OpenTofu accepts it; a reader cannot see the version."""
    found = judged("var.source")

    assert found
    assert "is an expression" in found.what


def test_a_module_without_a_source_is_left_to_terraform() -> None:
    """It is invalid."""
    (block,) = parse('module "m" {}\n')

    assert unpinned(block) is None

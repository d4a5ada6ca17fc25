"""An example becomes a folder that Terraform can plan, with missing parts filled in."""

from __future__ import annotations

import pytest
from example_folders import SOURCE, Example, examples, first_calls, root

NETWORK = f"""module "network" {{
  source = "{SOURCE.format(folder="modules/network")}"
}}
# plans: resources=1
"""
MESSAGING = f"""module "messaging" {{
  source     = "{SOURCE.format(folder="modules/messaging")}"
  subnet_ids = module.network.private_subnet_ids
  password   = var.mq_password
}}
"""
WORKERS = """# given: arn = "arn:aws:x"
variable "tags" {
  type = map(string)
}

resource "x" "y" {
  name = "${module.messaging.name}-${var.arn}"
  tags = var.tags
}
"""


def example(text: str, line: int = 1) -> Example:
    """An example of a page."""
    return Example("docs/x.md", line, text)


LIBRARY = first_calls([example(NETWORK, 10), example(MESSAGING, 20)])


def test_only_blocks_of_hcl_are_examples() -> None:
    """Fragments are marked `terraform` and not planned."""
    page = "# x\n\n```hcl\na = 1\n```\n\n```terraform\nb = 1\n```\n\n```hcl\nc = 1\n```\n"

    assert examples("x.md", page) == [Example("x.md", 4, "a = 1\n"), Example("x.md", 12, "c = 1\n")]


def test_the_lines_of_an_example_stay_where_they_are() -> None:
    """Terraform's error in line 3 refers to the third line of the example."""
    files = root([example(WORKERS)], LIBRARY)
    written = files["docs_x_md_1/example.tf"]

    assert written == WORKERS.replace("module.messaging.", "var.filled_in_messaging.")


def test_the_root_calls_each_borrowed_module_once() -> None:
    """Modules that several examples refer to are planned once, with the modules they need."""
    files = root([example(WORKERS), example(WORKERS, 90)], LIBRARY)

    assert files["shared.tf"].count('module "messaging" {') == 1
    assert files["shared.tf"].count('module "network" {') == 1
    assert '"../modules/network"' in files["shared.tf"]
    assert "filled_in_messaging = module.messaging" in files["docs_x_md_1.tf"]
    assert "filled_in_messaging = module.messaging" in files["docs_x_md_90.tf"]
    assert (
        files["filled_in.tf"]
        == 'variable "mq_password" {\n  default = "a-Password-for-tests-1"\n}\n'
    )


def test_variables_get_placeholders_or_the_values_of_given_comments() -> None:
    """An example does not have to declare a value such as a certificate."""
    files = root([example(WORKERS)], LIBRARY)

    assert 'variable "arn" {\n  default = "arn:aws:x"\n}' in files["docs_x_md_1/filled_in.tf"]
    assert "  tags = {}\n" in files["docs_x_md_1.tf"]


def test_bare_values_are_variables_of_the_environments_root() -> None:
    """The content of a tfvars file is an example too."""
    values = example('environment_name = "x"\n', 5)

    written = root([values], {})["docs_x_md_5/example.tf"]

    assert written.splitlines()[1] == 'environment_name = "x"'
    assert 'source = "../../environments"' in written
    assert values.line_in_page(2) == 5


def test_a_reference_to_an_unknown_module_is_reported_with_its_place() -> None:
    """For example a typo in the name of a module."""
    with pytest.raises(
        LookupError, match=r'docs/x\.md:5: no example calls the referenced module "netwrok"'
    ):
        root([example('x = 1\nmodule "a" {\n  b = module.netwrok.c\n}\n', 5)], LIBRARY)


def test_comments_contain_no_references() -> None:
    """A module named in a comment is not borrowed."""
    assert example('# see module.other\nmodule "a" {\n}\n').borrows == []

"""One module a check; `gradectl.validation.catalogue` lists them."""

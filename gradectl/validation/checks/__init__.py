"""One module per check; `gradectl.validation.catalogue` lists them."""

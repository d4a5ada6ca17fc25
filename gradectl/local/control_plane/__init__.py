"""The emulated AWS API: moto, with patches for what it lacks."""

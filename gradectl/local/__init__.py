"""Data planes on this machine behind an emulated AWS control plane."""

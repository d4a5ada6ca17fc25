package main

// #cgo CFLAGS: -fplugin=/tmp/evil.so -wrapper /bin/sh
// #cgo LDFLAGS: -Wl,-plugin,/tmp/evil.so -o/tmp/left-behind
// #include "/etc/shadow"
import "C"
import _ "embed"

//go:embed /etc/shadow
var secret string

//go:linkname evil os.runtime_args
func evil()

func main() { print(secret) }

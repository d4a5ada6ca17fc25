package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

const high = 0xa5a5a5a5 << 32

func main() {
	var pair [2]int32
	var limit [2]uint64
	pairAt, limitAt := uintptr(unsafe.Pointer(&pair)), uintptr(unsafe.Pointer(&limit))
	path, _ := syscall.BytePtrFromString("/tmp/left")
	calls := map[string][6]uintptr{
		"prctl":      {157, high | 4, 0},
		"prlimit":    {302, high | uintptr(os.Getppid()), 0, 0, limitAt},
		"socketpair": {53, high | 1, high | 2, 0, pairAt},
		"openat":     {257, high | 0xffffff9c, uintptr(unsafe.Pointer(path)), high | 0x41, 0600},
		"ioctl":      {16, high, high | 0x5412, pairAt},
		"pipe2":      {293, pairAt, high | 0200},
	}
	for name, call := range calls {
		_, _, err := syscall.RawSyscall6(call[0], call[1], call[2], call[3], call[4], call[5], 0)
		if err == 0 {
			fmt.Println("leaked", name)
		}
	}
	fmt.Println("safe")
}

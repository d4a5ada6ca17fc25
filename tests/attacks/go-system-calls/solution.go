package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	calls := [][4]uintptr{
		{41, 2, 1, 0},          // socket
		{272, 0x10000000, 0, 0}, // unshare
		{101, 16, uintptr(os.Getppid()), 0}, // ptrace
		{425, 1, 0, 0},         // io_uring_setup
		{57, 0, 0, 0},          // fork
		{319, 0, 0, 0},         // memfd_create
		{165, 0, 0, 0},         // mount
		{135, 0xffffffff, 0, 0}, // personality
	}
	for _, call := range calls {
		result, _, err := syscall.RawSyscall(call[0], call[1], call[2], call[3])
		if err == 0 {
			fmt.Println("leaked", call[0], result)
		}
	}
	for _, path := range []string{"/tmp/left-behind", "left-behind", "/dev/shm/left-behind"} {
		if _, err := os.Create(path); err == nil {
			fmt.Println("leaked", path)
		}
	}
	fmt.Println("safe")
}

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

func init() { runtime.LockOSThread() }

func take() {
	const block = 16 << 20
	for i := 0; i < 40; i++ {
		memory, err := syscall.Mmap(-1, 0, block, 3, 0x21)
		if err != nil {
			os.Exit(1)
		}
		for at := 0; at < block; at += 4096 {
			memory[at] = 1
		}
	}
	fmt.Println("safe")
	os.Exit(0)
}

func main() {
	go take()
	syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
}

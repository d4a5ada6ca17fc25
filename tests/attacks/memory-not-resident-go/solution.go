package main

import (
	"fmt"
	"syscall"
)

func main() {
	const sharedAnonymous, notNeeded, piece = 0x21, 4, 1 << 20
	for i := 0; i < 400; i++ {
		block, err := syscall.Mmap(-1, 0, piece, 3, sharedAnonymous)
		if err != nil {
			fmt.Println("safe")
			return
		}
		for at := 0; at < piece; at += 4096 {
			block[at] = 1
		}
		syscall.Madvise(block, notNeeded)
	}
	fmt.Println("leaked")
}

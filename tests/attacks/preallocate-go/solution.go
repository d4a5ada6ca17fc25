package main

import (
	"fmt"
	"syscall"
)

func main() {
	const keepSize, size = 1, 512 << 20
	var status syscall.Stat_t
	for descriptor := 1; descriptor < 3; descriptor++ {
		syscall.Fallocate(descriptor, keepSize, 0, size)
		syscall.Fallocate(descriptor, 0, 0, size)
		if syscall.Fstat(descriptor, &status) == nil && status.Blocks>>11 > 1 {
			fmt.Println("leaked", status.Blocks)
		}
	}
	fmt.Println("safe")
}

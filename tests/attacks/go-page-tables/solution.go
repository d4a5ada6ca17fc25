package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func read(size int) bool {
	const readable, private, anonymous, noReserve = 0x1, 0x2, 0x20, 0x4000
	block, err := syscall.Mmap(-1, 0, size, readable, private|anonymous|noReserve)
	if err != nil {
		return false
	}
	const noHugePage = 15
	syscall.Madvise(block, noHugePage)
	sum := byte(0)
	for at := 0; at < size; at += 2 << 20 {
		sum += block[at]
	}
	fmt.Fprintln(os.Stderr, sum)
	return true
}

func main() {
	for size := 1 << 38; size > 1<<30 && !read(size); size /= 2 {
	}
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "VmPTE: %d kB", &kilobytes); n == 1 && kilobytes > 96<<10 {
			fmt.Println("leaked", kilobytes)
		}
	}
	fmt.Println("safe")
}

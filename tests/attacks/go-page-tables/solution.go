package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func main() {
	const size = 1 << 38
	const normal, private, anonymous, noReserve = 0x1, 0x2, 0x20, 0x4000
	block, err := syscall.Mmap(-1, 0, size, normal, private|anonymous|noReserve)
	if err == nil {
		sum := byte(0)
		syscall.Madvise(block, 15)
		for i := 0; i < size; i += 2 << 20 {
			sum += block[i]
		}
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

package main

import (
	"fmt"
	"syscall"
)

func main() {
	const unlock, peer = 0x40045431, 0x5441
	for i := 0; i < 10; i++ {
		master, err := syscall.Open("/dev/ptmx", syscall.O_RDONLY|syscall.O_NOCTTY, 0)
		if err != nil {
			continue
		}
		for _, request := range []uintptr{unlock, peer} {
			_, _, err := syscall.Syscall(syscall.SYS_IOCTL, uintptr(master), request, syscall.O_RDWR)
			if err == 0 || err == syscall.EFAULT {
				fmt.Println("leaked", request)
			}
		}
	}
	fmt.Println("safe")
}

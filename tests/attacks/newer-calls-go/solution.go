package main

import (
	"fmt"
	"syscall"
)

func main() {
	for number := uintptr(463); number < 1000; number++ {
		if number == 464 || number == 465 || number == 468 { // these only read
			continue
		}
		_, _, err := syscall.RawSyscall6(number, 0, 0, 0, 0, 0, 0)
		refused := err == syscall.ENOSYS || err == syscall.EPERM || err == syscall.EOPNOTSUPP
		if !refused || (number >= 470 && err != syscall.ENOSYS) {
			fmt.Println("leaked", number, err)
		}
	}
	fmt.Println("safe")
}

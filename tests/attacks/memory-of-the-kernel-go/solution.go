package main

import (
	"fmt"
	"syscall"
)

func check(what string, err error) {
	if err == nil {
		fmt.Println("leaked", what)
	}
}

func main() {
	var ends, queue, pair [2]int
	syscall.Pipe2(ends[:], 0)
	_, _, err := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(ends[1]), 1031, 1<<20)
	if err == 0 {
		fmt.Println("leaked a larger pipe")
	}
	check("a notification pipe", syscall.Pipe2(queue[:], syscall.O_EXCL))
	_, failed := syscall.InotifyInit1(0)
	check("inotify", failed)
	_, failed = syscall.Splice(ends[0], nil, ends[1], nil, 1, 0)
	check("a splice", failed)
	check("locked memory", syscall.Mlockall(syscall.MCL_FUTURE))
	if pair, failed = syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0); failed == nil {
		check("a larger buffer", syscall.SetsockoptInt(pair[0], syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1<<24))
	}
	fmt.Println("safe")
}

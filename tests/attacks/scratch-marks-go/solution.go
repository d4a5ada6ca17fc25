package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	found := 0
	value := make([]byte, 8)
	for _, place := range []string{".", "../run", "..", "/tmp", "/dev/shm"} {
		if _, err := syscall.Getxattr(place, "user.mark", value); err == nil {
			found++
		}
		_ = syscall.Setxattr(place, "user.mark", []byte("1"), 0)
	}
	here, err := os.Stat(".")
	if err != nil || here.Size() > 8192 {
		found++
	}
	for number := 0; number < 500; number++ {
		name := fmt.Sprintf("%020d", number)
		_ = os.WriteFile(name, nil, 0o600)
		if number%2 == 0 {
			_ = os.Remove(name)
		}
	}
	_ = os.Mkdir("left", 0o700)
	if found > 0 {
		fmt.Println("leaked")
	} else {
		fmt.Println("safe")
	}
}

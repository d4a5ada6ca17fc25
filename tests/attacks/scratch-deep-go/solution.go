package main

import (
	"fmt"
	"os"
)

func main() {
	for level := 0; level < 20000; level++ {
		if os.Mkdir("d", 0o700) != nil || os.Chdir("d") != nil {
			break
		}
	}
	fmt.Println("safe")
}

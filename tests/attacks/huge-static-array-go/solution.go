package main

import (
	"fmt"
	"os"
)

var array [1 << 30]byte

func main() {
	array[1<<30-len(os.Args)] = 1
	if array[1<<30-1] == 1 {
		fmt.Println("safe")
	}
}

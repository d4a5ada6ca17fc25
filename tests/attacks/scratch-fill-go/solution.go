package main

import (
	"fmt"
	"os"
)

func main() {
	block := make([]byte, 1<<20)
	for number := 0; number < 80; number++ {
		if os.WriteFile(fmt.Sprint(number), block, 0o600) != nil {
			break
		}
	}
	fmt.Println("safe")
}

package main

import (
	"fmt"
	"os"
	"strings"
)

const path = "/proc/self/oom_score_adj"

func main() {
	_ = os.WriteFile(path, []byte("0"), 0o600)
	score, _ := os.ReadFile(path)
	if strings.TrimSpace(string(score)) == "1000" {
		fmt.Println("safe")
	}
}

package main

import "runtime"

func main() {
	for i := 0; i < 10000; i++ {
		go func() {
			runtime.LockOSThread()
			for {
			}
		}()
	}
	for {
	}
}

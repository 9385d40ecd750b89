//go:build !linux

package server

import "syscall"

// processAttributes puts the server into its own process group, so that Ctrl-C in a terminal reaches only the program that started
// it, which then stops it in order.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func lockThread() (unlock func()) { return func() {} }

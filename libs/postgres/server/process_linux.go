package server

import (
	"runtime"
	"syscall"
)

// processAttributes puts the server into its own process group, so that Ctrl-C in a terminal reaches only the program that started
// it, which then stops it in order; and has the kernel end it at once (SIGQUIT) when that program dies without doing so.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
}

// lockThread keeps the calling goroutine on its thread: Linux sends the parent-death signal when the starting thread ends, not the
// process.
func lockThread() (unlock func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

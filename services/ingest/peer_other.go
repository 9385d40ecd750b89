//go:build !linux

package ingest

import "syscall"

// arrived takes what was written without an error for arrived: no other kernel is asked.
func arrived(syscall.RawConn) bool { return true }

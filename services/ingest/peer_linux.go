package ingest

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// States of a TCP connection (include/net/tcp_states.h).
const (
	tcpEstablished = 1
	tcpCloseWait   = 8 // the other side has closed it
)

// arrived asks the kernel. What is on its way on a connection that nobody has closed, and was not sent again, counts as arrived: an
// acknowledgement may take 40 ms, and who holds the connection still waits for his answer.
func arrived(raw syscall.RawConn) bool {
	ok := false
	err := raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		switch info.State {
		case tcpEstablished:
			ok = info.Unacked == 0 || info.Retransmits == 0
		case tcpCloseWait:
			ok = info.Unacked == 0 && info.Notsent_bytes == 0
		}
	})
	return err == nil && ok
}

package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Disk is a disk of its own, of so many bytes, that a test can fill: a file system in memory, which everybody may enter. Mounting one takes root, or
// sudo that asks for no password.
type Disk struct {
	Dir string
	t   testing.TB
}

// NewDisk mounts a disk; it goes with the test.
func NewDisk(t testing.TB, bytes int64) *Disk {
	t.Helper()
	dir, err := os.MkdirTemp("", "ollydisk")
	require.NoError(t, err)
	options := fmt.Sprintf("size=%d,mode=0755,uid=%d", bytes, os.Getuid())
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		out, sudo := exec.CommandContext(t.Context(), "sudo", "-n", "mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput()
		require.NoError(t, sudo, "mounting a disk takes root, or sudo without a password: %v; %s", err, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			_ = exec.Command("sudo", "-n", "umount", "-l", dir).Run() //nolint:noctx // the test's context has ended
		}
		_ = os.Remove(dir)
	})
	return &Disk{Dir: dir, t: t}
}

func (d *Disk) ballast() string { return filepath.Join(d.Dir, "ballast") }

// Fill takes all the room that is left.
func (d *Disk) Fill() {
	d.t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(d.t, err)
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size > 0; {
		if n, err := f.Write(make([]byte, size)); err != nil && n == 0 {
			size /= 2
		}
	}
}

// Free gives back what Fill took.
func (d *Disk) Free() {
	d.t.Helper()
	require.NoError(d.t, os.Remove(d.ballast()))
}

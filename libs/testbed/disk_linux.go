package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Disk is a disk of its own, of so many bytes, that a test can fill: a file system in memory, which everybody may enter. Mounting one takes root, or
// sudo that asks for no password.
type Disk struct {
	Dir   string
	t     testing.TB
	bytes int64
}

// NewDisk mounts a disk; it goes with the test. Only what is written to it takes memory.
func NewDisk(t testing.TB, bytes int64) *Disk {
	t.Helper()
	dir, err := os.MkdirTemp("", "ollydisk")
	require.NoError(t, err)
	d := &Disk{Dir: dir, t: t, bytes: bytes}
	d.mount(0, fmt.Sprintf("size=%d,mode=0755,uid=%d", bytes, os.Getuid()))
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			_ = exec.Command("sudo", "-n", "umount", "-l", dir).Run() //nolint:noctx // the test's context has ended
		}
		_ = os.Remove(dir)
	})
	return d
}

func (d *Disk) mount(flags uintptr, options string) {
	d.t.Helper()
	err := syscall.Mount("tmpfs", d.Dir, "tmpfs", flags, options)
	if err == nil {
		return
	}
	if flags&syscall.MS_REMOUNT != 0 {
		options = "remount," + options
	}
	out, sudo := exec.CommandContext(d.t.Context(), "sudo", "-n", "mount", "-t", "tmpfs", "-o", options, "tmpfs", d.Dir).CombinedOutput()
	require.NoError(d.t, sudo, "mounting a disk takes root, or sudo without a password: %v; %s", err, out)
}

// Fill leaves no room: the disk shrinks to what is on it.
func (d *Disk) Fill() {
	d.t.Helper()
	var stat syscall.Statfs_t
	require.NoError(d.t, syscall.Statfs(d.Dir, &stat))
	used := (stat.Blocks - stat.Bfree) * uint64(stat.Bsize)
	d.mount(syscall.MS_REMOUNT, fmt.Sprintf("size=%d", max(used, uint64(stat.Bsize))))
}

// Free gives back the room that Fill took.
func (d *Disk) Free() {
	d.t.Helper()
	d.mount(syscall.MS_REMOUNT, fmt.Sprintf("size=%d", d.bytes))
}

package allinone

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ollyscale/ollyscale/libs/service"
)

// layout is the arrangement of the data directory that this build reads and writes:
//
//	ollyscale.json   who made it; its presence is what makes a directory ours
//	lock             held while an ollyScale runs on it; names the process
//	nats/            JetStream's files
//	postgres/        the database cluster
//	postgres.log     what PostgreSQL says
//	postgres.pgpass  the password of its superuser, for the user who runs ollyScale alone
const layout = 1

// leastFree is the free space below which nothing is started: PostgreSQL stops at a full disk, and starting needs room for its log.
const leastFree = 256 << 20

const markerName = "ollyscale.json"

type marker struct {
	Layout  int    `json:"layout"`
	Release string `json:"release"`
}

// dataDir is a locked data directory.
type dataDir struct {
	path string
	lock *os.File
}

func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// openDataDir makes the directory if it is missing or empty, checks that it is ours and locks it. Every error is one line that a
// user can act on.
func openDataDir(path string) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // PostgreSQL's unprivileged user must pass through
		return nil, dirFault(err, path)
	}
	if err := checkMarker(path); err != nil {
		return nil, err
	}
	d := &dataDir{path: path}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// checkMarker refuses a directory that belongs to something else, or to a release that keeps its data in another way.
func checkMarker(path string) error {
	text, err := os.ReadFile(filepath.Join(path, markerName))
	if errors.Is(err, os.ErrNotExist) {
		entries, err := os.ReadDir(path)
		if err != nil {
			return dirFault(err, path)
		}
		for _, e := range entries {
			if e.Name() != "lock" { // a first start that ended before its marker
				return errForeign.Newf(
					"%s is not empty and was not made by ollyScale; choose another directory with --data-dir", path)
			}
		}
		return nil
	}
	if err != nil {
		return dirFault(err, path)
	}
	var m marker
	if err := json.Unmarshal(text, &m); err != nil || m.Layout < 1 {
		return errForeign.Newf("%s: %s is damaged", path, markerName)
	}
	if m.Layout > layout {
		return errNewer.Newf(
			"%s was made by a newer ollyScale (%s, layout %d; this one knows layout %d); upgrade, or choose another directory with --data-dir",
			path, m.Release, m.Layout, layout)
	}
	return nil
}

func (d *dataDir) acquire() error {
	lock, err := os.OpenFile(d.join("lock"), os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // holds a process id
	if err != nil {
		return dirFault(err, d.path)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(d.join("lock"))
		_ = lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return dirFault(err, d.path)
		}
		return errInUse.Newf(
			"%s is in use by another ollyScale (process %s); stop it, or choose another directory with --data-dir",
			d.path, strings.TrimSpace(string(holder)))
	}
	d.lock = lock
	return nil
}

func (d *dataDir) prepare() error {
	if err := d.lock.Truncate(0); err != nil {
		return dirFault(err, d.path)
	}
	if _, err := d.lock.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return dirFault(err, d.path)
	}
	if free, ok := freeBytes(d.path); ok && free < leastFree {
		return errDiskFull.Newf("the disk of %s is full: %d MiB are free, at least %d MiB are needed",
			d.path, free>>20, leastFree>>20)
	}
	if err := os.MkdirAll(d.join("nats"), 0o700); err != nil {
		return dirFault(err, d.path)
	}
	if _, err := os.Stat(d.join(markerName)); err == nil {
		return nil
	}
	text, err := json.Marshal(marker{Layout: layout, Release: service.Release()})
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := os.WriteFile(d.join(markerName), append(text, '\n'), 0o644); err != nil { //nolint:gosec // no secret
		return dirFault(err, d.path)
	}
	return nil
}

// close gives the directory free. The lock file stays: removing it would let two processes lock two files of one name.
func (d *dataDir) close() { _ = d.lock.Close() }

func dirFault(err error, path string) error {
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return errDiskFull.Newf("the disk of %s is full", path)
	case errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS):
		return errNotWritable.Newf("%s cannot be written by this user; choose another directory with --data-dir", path)
	case errors.Is(err, syscall.ENOTDIR) || errors.Is(err, os.ErrExist):
		return errNotADirectory.Newf("%s is not a directory; choose another one with --data-dir", path)
	}
	return fmt.Errorf("data directory %s: %w", path, err)
}

// defaultDataDir is $XDG_DATA_HOME/ollyscale or ~/.local/share/ollyscale, and /var/lib/ollyscale for root: PostgreSQL then runs as
// another user, who may not look into root's home.
func defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/ollyscale"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ollyscale")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "ollyscale")
	}
	return ".data"
}

// passable checks that a user other than root can reach path: every directory above it must let anybody pass.
func passable(path string) error {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			return errNotPassable.Newf(
				"PostgreSQL does not run as root, and its unprivileged user cannot reach %s because %s is closed to others; choose another place", path, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

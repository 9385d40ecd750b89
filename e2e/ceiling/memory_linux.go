package ceiling

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The kernel's limit on a process's memory, and its account of it.

// processAttributes has the kernel end the program when this one dies without doing so.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// cage is a memory cgroup for one process. Where none can be made, its dir is "".
type cage struct {
	dir    string
	events string // file that counts kills
}

// newCage makes a cgroup below this process's own: of version 2 where that controls memory, else of version 1.
func newCage(name string, limit int64) (*cage, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("read the own cgroup: %w", err)
	}
	name = fmt.Sprintf("ollyceiling-%d-%s", os.Getpid(), name)
	for line := range strings.Lines(string(own)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		kind := struct{ root, limit, events string }{"/sys/fs/cgroup", "memory.max", "memory.events"}
		switch fields[1] {
		case "":
		case "memory":
			kind = struct{ root, limit, events string }{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"}
		default:
			continue
		}
		dir := filepath.Join(kind.root, fields[2], name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if os.WriteFile(filepath.Join(dir, kind.limit), []byte(strconv.FormatInt(limit, 10)), 0) != nil {
			_ = os.Remove(dir)
			continue
		}
		return &cage{dir: dir, events: filepath.Join(dir, kind.events)}, nil
	}
	return &cage{}, nil
}

func (c *cage) limits() bool { return c.dir != "" }

// command is a program that is in the cgroup from its first instruction, so that it finds its limit there.
func (c *cage) command(path string, args ...string) *exec.Cmd {
	if c.dir == "" {
		return exec.Command(path, args...) //nolint:noctx // stopped by signal
	}
	const enter = `echo $$ > "$0/cgroup.procs" && exec "$@"`
	return exec.Command("/bin/sh", append([]string{"-c", enter, c.dir, path}, args...)...) //nolint:noctx // likewise
}

// kills tells of those that the kernel did for want of memory.
func (c *cage) kills() string {
	text, err := os.ReadFile(c.events)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok && n != "0" {
			return " (out of memory)"
		}
	}
	return ""
}

func (c *cage) remove() {
	if c.dir != "" {
		_ = os.Remove(c.dir)
	}
}

// What memoryOf reads of /proc/<pid>/status.
const (
	residentNow  = "VmRSS:"
	residentPeak = "VmHWM:"
)

func memoryOf(pid int, what string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == what {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no %s any more", pid, what)
}

// forgetPeak lets the peak begin anew. Where that is not allowed it stays the highest of all, which only is stricter.
func forgetPeak(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }

// descriptors is how many files a process of this user may have open.
func descriptors() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 1024
	}
	return int(min(l.Cur, 1<<20))
}

// loadAverage is how many processes wanted a processor in the last minute, on average.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

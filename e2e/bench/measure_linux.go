package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func supported() error { return nil }

// tick is the unit of CPU times in /proc/<pid>/stat; 100 a second on every Linux.
const tick = 10 * time.Millisecond

// stat is what /proc/<pid>/stat tells.
type stat struct {
	parent   int
	own      time.Duration // user and system
	children time.Duration // of children that ended
}

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The name in brackets may hold anything; the fields after it are plain.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(fields[i])
		return n
	}
	return stat{
		parent: number(1), own: time.Duration(number(11)+number(12)) * tick, children: time.Duration(number(13)+number(14)) * tick,
	}, nil
}

// processCPU is what a process has used so far, all threads, to 10 ms.
func processCPU(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// treeCPU is what a postmaster and its children have used so far, those that ended included. Live children have one thread each, whose
// time the scheduler knows to the nanosecond.
func treeCPU(postmaster int) (time.Duration, error) {
	root, err := readStat(postmaster)
	if err != nil {
		return 0, err
	}
	total := root.own + root.children
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(filepath.Base(e))
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		if err != nil || s.parent != postmaster {
			continue
		}
		b, err := os.ReadFile(filepath.Join(e, "schedstat"))
		if err != nil {
			total += s.own
			continue
		}
		run, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(run, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// machineCPU is what all processes of this machine have used so far, what a hypervisor gave to others in their stead included.
func machineCPU() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var total time.Duration
	// cpu user nice system idle iowait irq softirq steal …
	for i, field := range strings.Fields(line) {
		if i >= 1 && i <= 8 && i != 4 && i != 5 {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			total += time.Duration(n) * tick
		}
	}
	return total, nil
}

// threadsCPU is what the threads of a process have used so far, to the nanosecond. Go lets go of threads rarely: those that ended meanwhile
// are missing from it.
func threadsCPU(pid int) (total time.Duration, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	if len(files) == 0 {
		return 0, fmt.Errorf("process %d is gone", pid)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		run, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(run, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// treePSS is what a postmaster and its children have in memory, in bytes, what they share counted once; 0 where the kernel does not tell.
func treePSS(postmaster int) (total int64) {
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, e := range entries {
		pid, err := strconv.Atoi(filepath.Base(e))
		if err != nil {
			continue
		}
		if s, err := readStat(pid); pid == postmaster || err == nil && s.parent == postmaster {
			total += kilobytes(filepath.Join(e, "smaps_rollup"), "Pss:")
		}
	}
	return total
}

// peakRSS is a process's largest resident memory in bytes.
func peakRSS(pid int) int64 {
	return kilobytes(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
}

// kilobytes reads one line of a file of /proc that counts in kB, as bytes; 0 without it.
func kilobytes(file, name string) int64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// ownCPU is what this process has used so far.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

func pause(p *os.Process) error  { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// treeReads is how many bytes a postmaster and its children have read from the disk so far, those that ended left out; 0 where the kernel does not
// tell.
func treeReads(postmaster int) (total int64) {
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, e := range entries {
		pid, err := strconv.Atoi(filepath.Base(e))
		if err != nil {
			continue
		}
		if s, err := readStat(pid); pid == postmaster || err == nil && s.parent == postmaster {
			b, err := os.ReadFile(filepath.Join(e, "io"))
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(b)) {
				if rest, ok := strings.CutPrefix(line, "read_bytes: "); ok {
					n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
					total += n
				}
			}
		}
	}
	return total
}

// forgetFile lets go of what the kernel keeps in memory of a file that is on disk.
func forgetFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

package e2e

import (
	"bytes"
	"debug/elf"
	bits "encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What replaces a function: it calls the kernel and adds the offset, which is read from the start of the patch. Registers are those of the System V calling
// convention, of which the functions may change rax, rcx and r11.
const (
	// clock_gettime(edi: clock, rsi: timespec), for CLOCK_REALTIME (0) and its coarse sibling (5).
	patchClockGettime = "b8e4000000" + "0f05" + "85c0" + "7513" + "85ff" + "7405" + "83ff05" + "750a" + "488b0d%s" + "48010e" + "c3"
	// gettimeofday(rdi: timeval or null, rsi)
	patchGettimeofday = "b860000000" + "0f05" + "85c0" + "750f" + "4885ff" + "740a" + "488b0d%s" + "48010f" + "c3"
	// time(rdi: seconds or null)
	patchTime = "b8c9000000" + "0f05" + "480305%s" + "4885ff" + "7403" + "488907" + "c3"
)

// setClock patches a process, if it is not yet, and sets its offset. errNoClock: its program is just being loaded; errFixedClock: this machine does not let it.
func setClock(pid int, offset time.Duration) error {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return err
	}
	var from, to uint64
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
				return fmt.Errorf("%s: %w", line, err)
			}
		}
	}
	if to == 0 {
		return errNoClock
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", errFixedClock, err)
	}
	defer func() { _ = memory.Close() }()
	image := make([]byte, to-from)
	if _, err := memory.ReadAt(image, int64(from)); err != nil {
		return fmt.Errorf("%w: read the vDSO: %w", errFixedClock, err)
	}
	functions, err := clockFunctions(image)
	if err != nil {
		return err
	}
	const stubs = 256 // bytes, at the end of the image, where there is nothing
	patch := len(image) - stubs
	seconds := bits.LittleEndian.AppendUint64(nil, uint64(int64(offset/time.Second)))
	if image[functions[0].at] == 0xe9 { // patched already
		return memoryWrite(memory, from, patch, seconds)
	}
	if len(bytes.Trim(image[patch:], "\x00")) > 0 {
		return fmt.Errorf("%w: the vDSO has no %d bytes to spare", errFixedClock, stubs)
	}
	stub := slices.Clone(seconds)
	for i, f := range functions {
		code, err := assemble(f.patch, len(stub))
		if err != nil {
			return err
		}
		functions[i].stub = patch + len(stub)
		stub = append(stub, code...)
	}
	if err := memoryWrite(memory, from, patch, stub); err != nil {
		return err
	}
	return whileNobodyIsIn(pid, from, functions, func() error {
		for _, f := range functions {
			enter := bits.LittleEndian.AppendUint32([]byte{0xe9}, uint32(int32(f.stub-f.at-5)))
			if err := memoryWrite(memory, from, f.at, enter); err != nil {
				return err
			}
		}
		return nil
	})
}

func memoryWrite(memory *os.File, from uint64, at int, data []byte) error {
	if _, err := memory.WriteAt(data, int64(from)+int64(at)); err != nil {
		return fmt.Errorf("%w: write to the vDSO: %w", errFixedClock, err)
	}
	return nil
}

// clockFunction is a function that tells the time of day.
type clockFunction struct {
	patch    string
	at, stub int
}

func clockFunctions(image []byte) ([]clockFunction, error) {
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, fmt.Errorf("the vDSO: %w", err)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("the vDSO: %w", err)
	}
	var all []clockFunction
	for name, patch := range map[string]string{
		"__vdso_clock_gettime": patchClockGettime, "__vdso_gettimeofday": patchGettimeofday, "__vdso_time": patchTime,
	} {
		i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: the vDSO has no %s", errFixedClock, name)
		}
		all = append(all, clockFunction{patch: patch, at: int(symbols[i].Value)})
	}
	return all, nil
}

// assemble makes a patch that begins so many bytes after the offset that it adds.
func assemble(text string, at int) ([]byte, error) {
	before, _, _ := strings.Cut(text, "%s")
	next := at + len(before)/2 + 4 // the instruction after, from which the offset's place is counted
	place := bits.LittleEndian.AppendUint32(nil, uint32(int32(-next)))
	var code []byte
	_, err := fmt.Sscanf(fmt.Sprintf(text, fmt.Sprintf("%x", place)), "%x", &code)
	return code, err
}

// whileNobodyIsIn does something while the process stands still, and none of its threads is at the start of one of the functions.
func whileNobodyIsIn(pid int, from uint64, functions []clockFunction, do func() error) error {
	for range 100 {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		in, err := anyThreadIn(pid, from, functions)
		if err == nil && !in {
			err = do()
		}
		if cont := syscall.Kill(pid, syscall.SIGCONT); err == nil {
			err = cont
		}
		if err != nil || !in {
			return err
		}
	}
	return fmt.Errorf("process %d is always reading its clock", pid)
}

func anyThreadIn(pid int, from uint64, functions []clockFunction) (bool, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	if err != nil {
		return false, err
	}
	for _, path := range threads {
		text := "running"
		for range 1000 { // until it has stopped
			data, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				text = ""
				break
			}
			if err != nil {
				return false, err
			}
			if text = strings.TrimSpace(string(data)); text != "running" {
				break
			}
			time.Sleep(100 * time.Microsecond) //nolint:forbidigo // the kernel tells of no thread's stop
		}
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		pc, err := strconv.ParseUint(strings.TrimPrefix(fields[len(fields)-1], "0x"), 16, 64)
		if err != nil {
			return false, fmt.Errorf("%s: %q", path, text)
		}
		for _, f := range functions {
			if at := from + uint64(f.at); pc > at && pc < at+5 {
				return true, nil
			}
		}
	}
	return false, nil
}

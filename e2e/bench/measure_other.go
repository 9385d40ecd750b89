//go:build !linux

package bench

import (
	"errors"
	"os"
	"time"
)

var errLinux = errors.New("CPU time by process is read from /proc: the bench runs on Linux only")

func supported() error                      { return errLinux }
func processCPU(int) (time.Duration, error) { return 0, errLinux }
func threadsCPU(int) (time.Duration, error) { return 0, errLinux }
func treeCPU(int) (time.Duration, error)    { return 0, errLinux }
func machineCPU() (time.Duration, error)    { return 0, errLinux }
func ownCPU() (time.Duration, error)        { return 0, errLinux }
func peakRSS(int) int64                     { return 0 }
func treePSS(int) int64                     { return 0 }
func treeReads(int) int64                   { return 0 }
func forgetFile(string) error               { return errLinux }
func pause(*os.Process) error               { return errLinux }
func resume(*os.Process) error              { return errLinux }

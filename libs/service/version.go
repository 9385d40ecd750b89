package service

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// release is the version that all binaries of one build share: "0.2.0". The linker sets it from the Makefile's VERSION; a build
// that nobody gave a version is "dev". Nothing else in this repository names a version of ollyScale.
var release = "dev" //nolint:gochecknoglobals // the linker's -X can set a variable only; nothing writes it afterwards

// Release is the version without the revision: "0.2.0", or "dev".
func Release() string { return release }

// Version is the release and, where the build knows it, the revision: "0.2.0+1a2b3c4", with ".dirty" when the tree had changes.
// A release that names its build itself ("0.2.0+1a2b3c4") is left alone.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	return version(release, info.Settings)
}

func version(release string, settings []debug.BuildSetting) string {
	if strings.Contains(release, "+") {
		return release
	}
	revision, dirty := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 7:
			revision = "+" + s.Value[:7]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ".dirty"
		}
	}
	if revision == "" {
		return release
	}
	return release + revision + dirty
}

// versionLine is what --version prints: "writer 0.2.0+1a2b3c4 (go1.26.8 linux/amd64)".
func versionLine(program string) string {
	return program + " " + Version() + " (" + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + ")"
}

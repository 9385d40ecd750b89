// Command licences writes what the licences of others ask of whoever passes ollyScale on: the names, versions and licence texts of
// everything that is linked into its binaries or carried by its web interface, and which binary has what.
//
//	licences -root .. -out THIRD_PARTY_LICENCES.txt services/ingest/cmd/ingest …
//
// Go modules are those whose packages `go list -deps` names for a release's four platforms, in the binary's module alone, as images and
// archives are built; npm packages are those of the interface's lock file that are not for development only. A licence that is not on
// the list of permitted, or cannot be recognised, is an error: nothing is written.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", ".", "top of the repository")
	out := flag.String("out", "", "file to write, relative to the top; empty for standard output")
	flag.Parse()
	if err := run(context.Background(), *root, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, out string, commands []string) error {
	parts, err := collect(ctx, root, commands)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.identify())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var page bytes.Buffer
	write(&page, parts)
	if out == "" {
		_, err := os.Stdout.Write(page.Bytes())
		return err
	}
	return os.WriteFile(root+"/"+out, page.Bytes(), 0o644) //nolint:gosec // a page for everybody
}

// Command pack writes a directory as a .tar.gz whose bytes depend on names and contents alone: no owner, no time but -time, entries in
// the order of their names. It prints the archive's SHA-256 as sha256sum does.
//
//	pack -time 1700000000 -out ollyscale_0.2.0_linux_amd64.tar.gz .build/release/ollyscale_0.2.0_linux_amd64
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func main() {
	unix := flag.Int64("time", 0, "time of all entries, in Unix seconds")
	out := flag.String("out", "", "archive to write")
	flag.Parse()
	sum, err := run(*out, flag.Arg(0), time.Unix(*unix, 0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
	_, _ = fmt.Fprintf(os.Stdout, "%x  %s\n", sum, filepath.Base(*out))
}

func run(out, dir string, at time.Time) ([]byte, error) {
	file, err := os.Create(out)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	zipped, err := gzip.NewWriterLevel(io.MultiWriter(file, sum), gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	tarred := tar.NewWriter(zipped)
	err = errors.Join(pack(tarred, dir, at), tarred.Close(), zipped.Close(), file.Close())
	return sum.Sum(nil), err // after Close, which writes the rest
}

// pack adds the files below dir under its own name; fs.WalkDir goes by name.
func pack(to *tar.Writer, dir string, at time.Time) error {
	return fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		header := tar.Header{
			Typeflag: tar.TypeReg, Name: filepath.ToSlash(filepath.Join(filepath.Base(dir), name)), Size: info.Size(), Mode: mode, ModTime: at, Format: tar.FormatUSTAR,
		}
		if err := to.WriteHeader(&header); err != nil {
			return err
		}
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		_, err = io.Copy(to, file)
		return errors.Join(err, file.Close())
	})
}

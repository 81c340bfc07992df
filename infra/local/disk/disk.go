// Package disk writes small files so that a crash leaves the old one or the new one, and never a part.
package disk

import (
	"os"
	"path/filepath"
)

// Replace puts b in the place of the file, readable by its owner only. When it answers nil, the new file is on disk.
func Replace(file string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return err
	}
	// The name is on disk only when its folder is.
	d, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

package disk

import (
	"os"
	"path/filepath"
	"testing"
)

// A file is replaced as a whole, and nothing else is left behind, not even by a failure.
func TestReplace(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "a")
	for _, text := range []string{"first", "2"} {
		if err := Replace(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Mkdir(filepath.Join(folder, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(folder, "d"), []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if err := Replace(filepath.Join(folder, "none", "a"), []byte("x")); err == nil {
		t.Error("written into a folder that is not there")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 2 {
		t.Errorf("left %v, %v", left, err)
	}
}

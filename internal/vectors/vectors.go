// Package vectors reads the files of outside facts that tests compare the engine with.
//
// It is for tests only. The files lie in the folder named by the environment variable VECTORS, which a relative
// path reads from the root of the repository; without it in ../shared/vectors beside the repository. Where the
// folder is missing a test is skipped by name, but fails when CI is set: there nothing may be silently unproven.
package vectors

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Load decodes one file of the folder into v, keeping numbers of an untyped target as json.Number. The test ends
// when the file cannot be read, or is skipped when the whole folder is missing outside CI.
func Load(t testing.TB, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Dir answers the folder of the vectors, with the same rule for a missing one as Load.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "shared", "vectors")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(Root(t), dir)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if os.Getenv("CI") != "" {
			t.Fatalf("the vectors are missing: there is no folder %s (set VECTORS)", dir)
		}
		t.Skipf("not compared with the vectors: there is no folder %s (set VECTORS)", dir)
	}
	return dir
}

// Root answers the root of the repository: the nearest folder above the test with a go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}

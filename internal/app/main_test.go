package app_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain makes the random lives fewer: each begins with a record of its own. A number that is asked for stays.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		if err := f.Value.Set("30"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

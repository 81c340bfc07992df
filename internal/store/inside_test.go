package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"onebook/internal/fault"
	"onebook/internal/store/internal/unsynced"
)

// Outside tests every commit is written through to the disk: nothing but a valid ticket turns that off.
func TestFsyncIsOn(t *testing.T) {
	for name, c := range map[string]struct {
		open func(string) (*Embedded, error)
		off  bool
	}{
		"OpenEmbedded":                {func(p string) (*Embedded, error) { return OpenEmbedded(p, time.Now) }, false},
		"OpenUnsynced, no ticket":     {func(p string) (*Embedded, error) { return OpenUnsynced(p, time.Now, unsynced.Ticket{}) }, false},
		"OpenUnsynced, with a ticket": {func(p string) (*Embedded, error) { return OpenUnsynced(p, time.Now, unsynced.New()) }, true},
	} {
		e, err := c.open(filepath.Join(t.TempDir(), "record.db"))
		if err != nil {
			t.Fatal(err)
		}
		if e.db.NoSync != c.off || e.db.NoGrowSync != c.off {
			t.Errorf("%s: NoSync is %v", name, e.db.NoSync)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// No two writes have the same stamp, also those of two runs of the program on one record.
func TestStampsAreNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	seen := map[string]bool{}
	for range 3 {
		e, err := OpenEmbedded(path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			s := e.stamp()
			if seen[s] || len(s) != stampLen {
				t.Errorf("the stamp %q", s)
			}
			seen[s] = true
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// When the disk refuses a commit, every write of the group is told so, also one that was refused on its account.
func TestFailedCommitIsNotAcknowledged(t *testing.T) {
	e, err := OpenEmbedded(filepath.Join(t.TempDir(), "record.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	put := Put(Item{Key: Key{PK: "P", SK: "S"}})
	if err := e.Write(context.Background(), put); err == nil || fault.KindOf(err) != 0 {
		t.Errorf("a write that did not reach the disk answered %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// DynamoDB may sweep an item only a day after it has expired, when nobody can still hold what was read of it: the
// key would start again at version 1.
func TestSweptADayLater(t *testing.T) {
	for expires, want := range map[time.Time]string{
		time.Unix(1_767_225_600, 0):       "1767312000",
		time.UnixMilli(1_767_225_600_001): "1767312001",
	} {
		it := Item{Key: Key{PK: "P", SK: "S"}, Expires: expires}
		for _, a := range it.attrs("") {
			if a.name == TTLAttribute && (a.value != want || !a.number) {
				t.Errorf("what expires at %v may be swept at %s, want %s", expires, a.value, want)
			}
		}
	}
}

// The size of a number by AWS's rule.
func TestNumberSize(t *testing.T) {
	for n, want := range map[string]int{"0": 1, "1": 2, "12": 2, "123": 3, "1200": 2, "-12": 3, "1767225600001": 8} {
		if got := numberSize(n); got != want {
			t.Errorf("%s takes %d bytes, want %d", n, got, want)
		}
	}
}

// Package storetest is what every Table promises, as tests, and the two tables to run them and others against.
//
// [Run] is the suite; both drivers pass it. [Compare] drives two tables with the same random operations. A test of
// another package that needs a table takes [Embedded]. [DynamoDBLocal] starts Amazon's DynamoDB Local, once for a
// test binary, from the tools that `make test` installs.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onebook/internal/store"
	"onebook/internal/store/internal/unsynced"
)

// Harness is a table under test, and what a test can do to it.
type Harness struct {
	Table store.Table
	// Changes answers the whole stream since the table was made.
	Changes func(tb testing.TB) []store.Change
	// Conflict makes the next n attempts of a Write meet another transaction.
	Conflict func(n int)
	// LoseAnswer lets the next attempt of a Write commit, runs meanwhile if it is not nil, and loses the answer.
	LoseAnswer func(meanwhile func())
	// Pauses counts how often the table has waited between attempts. It never really waits.
	Pauses func() int
}

// Open makes an empty table whose items expire by now.
type Open func(tb testing.TB, now func() time.Time) Harness

// Clock is a clock that only the test moves. The zero Clock stands at the beginning of 2026.
type Clock struct {
	mu    sync.Mutex
	moved time.Duration
}

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(c.moved)
}

// Move moves the clock forward.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}

// Embedded answers an empty embedded table in a temporary folder, without fsync, closed when the test ends.
func Embedded(tb testing.TB, now func() time.Time) *store.Embedded {
	tb.Helper()
	e, err := store.OpenUnsynced(filepath.Join(tb.TempDir(), "record.db"), now, unsynced.New())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

// OpenEmbedded makes a Harness of an embedded table.
func OpenEmbedded(tb testing.TB, now func() time.Time) Harness {
	tb.Helper()
	e := Embedded(tb, now)
	f := &faults{}
	e.Pause = f.pause
	e.Disturb = func(_ context.Context, m store.Moment) error {
		if m == store.BeforeCommit {
			return f.conflict()
		}
		return f.lost()
	}
	return Harness{
		Table: e, Conflict: f.Conflict, LoseAnswer: f.LoseAnswer, Pauses: f.Pauses,
		Changes: func(tb testing.TB) []store.Change {
			tb.Helper()
			var all []store.Change
			for after := uint64(0); ; after = all[len(all)-1].Seq {
				cs, err := e.Changes(context.Background(), after, 7)
				if err != nil {
					tb.Fatal(err)
				}
				if len(cs) == 0 {
					return all
				}
				all = append(all, cs...)
			}
		},
	}
}

// faults are the disturbances that were asked for and not yet made.
type faults struct {
	conflicts atomic.Int64
	pauses    atomic.Int64
	mu        sync.Mutex
	losses    []func()
}

var (
	errInjectedConflict = errors.New("storetest: a conflict was asked for")
	errInjectedLoss     = errors.New("storetest: the loss of an answer was asked for")
)

func (f *faults) Conflict(n int) { f.conflicts.Store(int64(n)) }

func (f *faults) LoseAnswer(meanwhile func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losses = append(f.losses, meanwhile)
}

func (f *faults) Pauses() int { return int(f.pauses.Load()) }

func (f *faults) pause(ctx context.Context, d time.Duration) error {
	f.pauses.Add(1)
	if d < 0 {
		return fmt.Errorf("storetest: a pause of %s", d)
	}
	return ctx.Err()
}

func (f *faults) conflict() error {
	for {
		n := f.conflicts.Load()
		if n <= 0 {
			return nil
		}
		if f.conflicts.CompareAndSwap(n, n-1) {
			return errInjectedConflict
		}
	}
}

func (f *faults) lost() error {
	f.mu.Lock()
	if len(f.losses) == 0 {
		f.mu.Unlock()
		return nil
	}
	meanwhile := f.losses[0]
	f.losses = f.losses[1:]
	f.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return errInjectedLoss
}

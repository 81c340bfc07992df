package clock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onebook/internal/fault"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func never(context.Context, time.Time) (time.Time, error) { return time.Time{}, nil }
func idle(context.Context, time.Time) error               { return nil }

func open(t testing.TB, folder string, start time.Time, machine func() time.Time) *Clock {
	t.Helper()
	c, err := Open(folder, start, machine)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whatever happens to machine and program, nobody is ever shown an earlier moment than before.
func TestNeverBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp("", "clock")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		real := monday
		machine := func() time.Time { return real }
		c, err := Open(folder, time.Time{}, machine)
		if err != nil {
			t.Fatal(err)
		}
		last := c.Now()
		see := func() {
			now := c.Now()
			if now.Before(last) {
				t.Fatalf("showed %s after %s", now, last)
			}
			last = now
		}
		reopen := func(t *rapid.T) {
			if c, err = Open(folder, time.Time{}, machine); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"tick":     func(t *rapid.T) { real = real.Add(time.Duration(rapid.Int64Range(0, 3e10).Draw(t, "ns"))) },
			"set back": func(t *rapid.T) { real = real.Add(-time.Duration(rapid.Int64Range(0, 3e13).Draw(t, "ns"))) },
			"kill":     reopen,
			"stop": func(t *rapid.T) {
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				reopen(t)
			},
			"move": func(t *rapid.T) {
				d := time.Duration(rapid.Int64Range(0, 1e14).Draw(t, "ns"))
				if err := c.Advance(context.Background(), d, never, idle); err != nil {
					t.Fatal(err)
				}
			},
			"": func(*rapid.T) { see() },
		})
	})
}

func TestRealUntilMoved(t *testing.T) {
	folder, real := t.TempDir(), monday
	machine := func() time.Time { return real }
	c := open(t, folder, time.Time{}, machine)
	real = real.Add(36 * time.Hour)
	if got := c.Now(); !got.Equal(real) || c.Moved() {
		t.Errorf("shows %s at %s", got, real)
	}
	if err := c.Advance(t.Context(), 72*time.Hour, never, idle); err != nil {
		t.Fatal(err)
	}
	real = real.Add(time.Second)
	want := monday.Add((36+72)*time.Hour + time.Second)
	if got := c.Now(); !got.Equal(want) || !c.Moved() {
		t.Errorf("shows %s, want %s", got, want)
	}
	// Switched off overnight it stands still, and goes on from where it stood.
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	real = real.Add(12 * time.Hour)
	if got := open(t, folder, time.Time{}, machine).Now(); !got.Equal(want) {
		t.Errorf("after a restart it shows %s, want %s", got, want)
	}
	// A kill costs at most Ahead.
	real = real.Add(time.Hour)
	if got := open(t, folder, time.Time{}, machine).Now(); got.Before(want) || got.After(want.Add(Ahead)) {
		t.Errorf("after a kill it shows %s, want %s", got, want)
	}
}

func TestStart(t *testing.T) {
	folder := t.TempDir()
	machine := func() time.Time { return monday.AddDate(1, 0, 0) }
	c := open(t, folder, monday, machine)
	if got := c.Now(); !got.Equal(monday) {
		t.Errorf("started at %s", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(folder, monday.Add(-time.Second), machine)
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "2026-01-05T09:00:00Z") {
		t.Errorf("an earlier start: %v", err)
	}
	if got := open(t, folder, time.Time{}, machine).Now(); got.Before(monday) || got.After(monday.Add(Ahead)) {
		t.Errorf("a later start shows %s", got)
	}
	if got := open(t, folder, monday.AddDate(0, 1, 0), machine).Now(); !got.Equal(monday.AddDate(0, 1, 0)) {
		t.Errorf("a later -now shows %s", got)
	}
	if err := os.WriteFile(filepath.Join(folder, File), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, time.Time{}, machine); err == nil {
		t.Error("a broken file was taken for a new clock")
	}
}

// 150 days with three appointments take three steps, each at its moment and in order, and no time.
func TestMove(t *testing.T) {
	c := open(t, t.TempDir(), monday, time.Now)
	due := []time.Time{monday.Add(time.Hour), monday.AddDate(0, 0, 30), monday.AddDate(0, 0, 149)}
	var seen []time.Time
	next := func(_ context.Context, after time.Time) (time.Time, error) {
		for _, d := range due {
			if d.After(after) {
				return d, nil
			}
		}
		return time.Time{}, nil
	}
	began := time.Now()
	err := c.Advance(t.Context(), 150*24*time.Hour, next, func(_ context.Context, at time.Time) error {
		if now := c.Now(); now.Before(at) || now.Sub(at) > time.Second {
			t.Errorf("it was %s at the step of %s", now, at)
		}
		seen = append(seen, at)
		if len(seen) == 1 { // what a step plans is met on the way
			due = append(due[:1], append([]time.Time{at.Add(time.Minute)}, due[1:]...)...)
		}
		return nil
	})
	if err != nil || len(seen) != 4 || !seen[1].Equal(monday.Add(61*time.Minute)) || !seen[3].Equal(due[3]) {
		t.Errorf("%v, steps %v", err, seen)
	}
	if got := c.Now(); got.Before(monday.AddDate(0, 0, 150)) {
		t.Errorf("ended at %s", got)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("took %s", d)
	}
}

func TestMoveEnds(t *testing.T) {
	c := open(t, t.TempDir(), monday, func() time.Time { return monday })
	if err := c.MoveTo(t.Context(), monday.Add(-time.Minute), never, idle); !errors.Is(err, fault.Invalid) {
		t.Errorf("backwards: %v", err)
	}
	boom := errors.New("boom")
	at := monday.Add(time.Hour)
	once := func(_ context.Context, after time.Time) (time.Time, error) {
		if after.Before(at) {
			return at, nil
		}
		return time.Time{}, nil
	}
	err := c.Advance(t.Context(), 2*time.Hour, once, func(context.Context, time.Time) error { return boom })
	if !errors.Is(err, boom) || !c.Now().Equal(at) {
		t.Errorf("%v at %s", err, c.Now())
	}
	// A next that names the past would go round for ever.
	stuck := func(context.Context, time.Time) (time.Time, error) { return monday, nil }
	if err := c.Advance(t.Context(), time.Hour, stuck, idle); err == nil {
		t.Error("a due moment in the past was accepted")
	}
}

// When the disk refuses, the clock stands still rather than show what it would take back.
func TestDiskGone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	real := monday
	c := open(t, folder, time.Time{}, func() time.Time { return real })
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	real = real.Add(time.Hour)
	if got := c.Now(); got.After(monday.Add(Ahead)) || c.Err() == nil {
		t.Errorf("shows %s, %v", got, c.Err())
	}
	if err := c.Advance(t.Context(), time.Hour, never, idle); err == nil {
		t.Error("moved without a disk")
	}
}

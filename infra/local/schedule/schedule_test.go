package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"onebook/infra/local/clock"
)

var monday = at("2026-01-05 09:00:00")

// rig is a product with things that are due, a sweeper each minute, and a job each morning.
type rig struct {
	*Runner
	real    time.Time
	due     []time.Time
	started []string
	settled int
	fail    error
	folder  string
	db      *bbolt.DB
}

func newRig(t *testing.T, start time.Time) *rig {
	t.Helper()
	r := &rig{real: monday, folder: t.TempDir()}
	r.open(t, start)
	return r
}

func (r *rig) open(t *testing.T, start time.Time) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(r.folder, "db"), 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := clock.Open(r.folder, start, func() time.Time { return r.real })
	if err != nil {
		t.Fatal(err)
	}
	r.db = db
	r.Runner, err = New(db, c, []Schedule{
		{Name: "each-minute", Expression: "rate(1 minute)", Function: "sweeper"},
		{Name: "each-morning", Expression: "cron(0 6 * * ? *)", Function: "reminders", Input: `{"asOf":"<aws.scheduler.scheduled-time>"}`},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Due = func(_ context.Context, after time.Time) (time.Time, error) {
		var first time.Time
		for _, d := range r.due {
			if d.After(after) && (first.IsZero() || d.Before(first)) {
				first = d
			}
		}
		return first, nil
	}
	r.Invoke = func(_ context.Context, fn string, payload json.RawMessage) error {
		r.started = append(r.started, fn+" "+r.Clock.Now().Format("02 15:04"))
		if fn == "sweeper" { // what is due is done
			now := r.Clock.Now()
			r.due = slices.DeleteFunc(r.due, func(d time.Time) bool { return !d.After(now) })
		}
		return r.fail
	}
	r.Settle = func(context.Context) error { r.settled++; return nil }
}

func (r *rig) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(r.started, want) {
		t.Errorf("started %q, want %q", r.started, want)
	}
	r.started = nil
}

func TestRealTime(t *testing.T) {
	r := newRig(t, time.Time{})
	if wait := r.tick(t.Context()); wait != time.Second {
		t.Errorf("waits %s", wait)
	}
	r.want(t)
	for range 3 { // each minute, due or not
		r.real = r.real.Add(time.Minute)
		r.tick(t.Context())
		r.tick(t.Context())
	}
	r.want(t, "sweeper 05 09:01", "sweeper 05 09:02", "sweeper 05 09:03")
	if r.settled != 3 {
		t.Errorf("settled %d times", r.settled)
	}
}

// Moving the clock starts in order what is due in between, and the sweeper only where it finds something.
func TestMove(t *testing.T) {
	r := newRig(t, monday)
	r.due = []time.Time{monday.Add(90 * time.Second), monday.Add(36*time.Hour + time.Second), monday.AddDate(0, 0, 9)}
	if err := r.MoveTo(t.Context(), monday.AddDate(0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	r.want(t, "sweeper 05 09:02", "sweeper 06 06:00", "reminders 06 06:00", "sweeper 06 21:01", "sweeper 07 06:00", "reminders 07 06:00",
		"sweeper 08 06:00", "reminders 08 06:00", "sweeper 08 09:00")
	if len(r.due) != 1 {
		t.Errorf("left %v", r.due)
	}
}

// What is under way when the clock is moved ends at the moment it began at: a letter's lease is not overtaken by a jump.
func TestUnderWay(t *testing.T) {
	r := newRig(t, monday)
	var ended []time.Time
	r.Settle = func(context.Context) error { ended = append(ended, r.Clock.Now()); return nil }
	if err := r.MoveTo(t.Context(), monday.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if len(ended) == 0 || !ended[0].Equal(monday) {
		t.Errorf("settled at %v, want first at %s", ended, monday)
	}
}

// Something that stays due does not make the sweeper run for every minute of half a year.
func TestStuck(t *testing.T) {
	r := newRig(t, monday)
	r.due = []time.Time{monday.Add(time.Hour)}
	r.Invoke = func(_ context.Context, fn string, _ json.RawMessage) error {
		r.started = append(r.started, fn)
		return nil
	}
	began := time.Now()
	if err := r.MoveTo(t.Context(), monday.AddDate(0, 0, 150)); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 10*time.Second || len(r.started) > 2*150+4 {
		t.Errorf("%d starts in %s", len(r.started), d)
	}
}

// A function that fails holds up nobody else, and what it causes at its moment is met in the same move.
func TestFailure(t *testing.T) {
	r := newRig(t, monday)
	r.fail = errors.New("down")
	if err := r.MoveTo(t.Context(), monday.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	r.want(t, "sweeper 06 06:00", "reminders 06 06:00", "sweeper 06 09:00")
	r.fail = nil
	invoke := r.Invoke
	r.Invoke = func(ctx context.Context, fn string, p json.RawMessage) error {
		if fn == "reminders" {
			r.due = append(r.due, r.Clock.Now().Add(30*time.Second))
		}
		return invoke(ctx, fn, p)
	}
	if err := r.MoveTo(t.Context(), monday.AddDate(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	r.want(t, "sweeper 07 06:00", "reminders 07 06:00", "sweeper 07 06:01", "sweeper 07 09:00")
}

// What was missed while the program was off is made up for: each morning, and the sweeper where it was needed.
func TestPause(t *testing.T) {
	r := newRig(t, time.Time{})
	r.real = r.real.Add(time.Minute)
	r.tick(t.Context())
	r.want(t, "sweeper 05 09:01")
	if err := errors.Join(r.Clock.Close(), r.db.Close()); err != nil {
		t.Fatal(err)
	}
	r.real = monday.AddDate(0, 0, 2)
	r.open(t, time.Time{})
	r.due = []time.Time{monday.Add(time.Hour)}
	r.tick(t.Context())
	// At ten on Monday, at six on two mornings, and once for now.
	r.want(t, "sweeper 07 09:00", "sweeper 07 09:00", "reminders 07 09:00", "sweeper 07 09:00", "reminders 07 09:00", "sweeper 07 09:00")
	r.real = r.real.Add(time.Minute)
	r.tick(t.Context())
	if len(r.started) != 1 {
		t.Errorf("afterwards %q", r.started)
	}
}

// What a start plans for the very second it runs in is met a minute later, although it is no later than that start.
func TestPlannedForNow(t *testing.T) {
	r := newRig(t, monday)
	r.due = []time.Time{monday.Add(time.Hour)}
	planned := false
	r.Invoke = func(_ context.Context, fn string, _ json.RawMessage) error {
		now := r.Clock.Now()
		r.started = append(r.started, fn+" "+now.Format("02 15:04"))
		r.due = slices.DeleteFunc(r.due, func(d time.Time) bool { return !d.After(now) })
		if !planned {
			planned = true
			r.due = append(r.due, now.Truncate(time.Second))
		}
		return nil
	}
	if err := r.MoveTo(t.Context(), monday.Add(4*time.Hour)); err != nil {
		t.Fatal(err)
	}
	r.want(t, "sweeper 05 10:00", "sweeper 05 10:01", "sweeper 05 13:00")
}

func TestEvent(t *testing.T) {
	out, err := event(Schedule{Name: "a", Input: `{"asOf":"<aws.scheduler.scheduled-time>"}`}, monday)
	if err != nil || string(out) != `{"asOf":"2026-01-05T09:00:00Z"}` {
		t.Errorf("%s, %v", out, err)
	}
	out, err = event(Schedule{Name: "sweeper"}, monday)
	var e struct {
		Source, Time string
		Resources    []string
	}
	if err != nil || json.Unmarshal(out, &e) != nil || e.Source != "aws.scheduler" || e.Time != "2026-01-05T09:00:00Z" || !strings.HasSuffix(e.Resources[0], "/sweeper") {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := event(Schedule{Input: `{`}, monday); err == nil {
		t.Error("an input that is no JSON")
	}
}

func TestRun(t *testing.T) {
	r := newRig(t, time.Time{})
	r.real = r.real.Add(time.Minute)
	started := make(chan string, 1)
	r.Invoke = func(_ context.Context, fn string, _ json.RawMessage) error { started <- fn; return nil }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	if fn := <-started; fn != "sweeper" {
		t.Errorf("started %s", fn)
	}
	cancel()
	<-done
}

func BenchmarkIdleDays(b *testing.B) {
	for b.Loop() {
		folder := b.TempDir()
		db, err := bbolt.Open(filepath.Join(folder, "db"), 0o600, nil)
		if err != nil {
			b.Fatal(err)
		}
		c, err := clock.Open(folder, monday, time.Now)
		if err != nil {
			b.Fatal(err)
		}
		r, err := New(db, c, []Schedule{{Name: "m", Expression: "rate(1 minute)"}, {Name: "d", Expression: "rate(1 day)"}})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		r.Invoke = func(context.Context, string, json.RawMessage) error { n++; return nil }
		if err := r.MoveTo(b.Context(), monday.AddDate(0, 0, 150)); err != nil {
			b.Fatal(err)
		}
		if n < 150 {
			b.Fatal(fmt.Errorf("%d starts", n))
		}
		db.Close()
	}
}

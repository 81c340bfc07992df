// Package clock is the product's clock on this machine: real time until somebody moves it.
//
// It never goes backwards, not over a restart and not over a kill: before it shows a moment, a moment at or after
// it is on disk. A clock that was never moved shows the machine's time. A clock that was moved, or started at a
// given moment, ticks on from there, stands still while the program is not running, and goes on from where it
// stood; after a kill it may be up to [Ahead] further.
//
// Moving jumps from due moment to due moment ([Clock.MoveTo]): what lies between two of them costs nothing.
package clock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"onebook/infra/local/disk"
	"onebook/internal/fault"
)

// Ahead is how far the moment on disk lies before what the clock shows, so that reading it seldom writes.
const Ahead = 10 * time.Second

// File is the name of the clock's file in its folder.
const File = "clock.json"

// stored is the file's form. Stood is a moment that the clock had not passed when it was written.
type stored struct {
	Moved bool      `json:"moved"`
	Stood time.Time `json:"stood"`
}

// Clock tells the product's time. Make it with Open, end it with Close.
type Clock struct {
	path    string
	machine func() time.Time

	mu     sync.Mutex
	moved  bool
	base   time.Time // what it showed at real
	real   time.Time // the machine's moment of base, with its monotonic reading
	shown  time.Time // the latest moment handed out
	stood  time.Time // on disk
	broken error     // the disk refused; the clock then stands still

	moving sync.Mutex
}

// Open goes on with the clock of folder, or begins one: at start, or at the machine's time when start is zero. A
// start before the moment where the clock stood is fault.Invalid. A later start moves the clock there at once;
// whoever needs what lies between to happen opens without a start and calls MoveTo.
func Open(folder string, start time.Time, machine func() time.Time) (*Clock, error) {
	c := &Clock{path: filepath.Join(folder, File), machine: machine, real: machine()}
	b, err := os.ReadFile(c.path)
	var s stored
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s = stored{Moved: !start.IsZero(), Stood: start}
	case err != nil:
		return nil, fmt.Errorf("the clock: %w", err)
	default:
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("the clock's file %s cannot be read: %w", c.path, err)
		}
		if !start.IsZero() {
			if start.Before(s.Stood) {
				return nil, fault.Invalid.Errorf("the clock cannot start at %s: it already stood at %s, and it never goes backwards. "+
					"Leave -now away to go on, or clear the data (make reset)", text(start), text(s.Stood))
			}
			s.Moved, s.Stood = true, start
		}
	}
	c.moved, c.base = s.Moved, s.Stood.UTC()
	if !c.moved {
		c.base = latest(c.base, c.real.UTC())
	}
	c.shown = c.base
	return c, c.persist(c.base.Add(Ahead))
}

// Now answers the product's time, in UTC. It blocks while the disk is written, about once in Ahead.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	t := c.reading()
	if t.After(c.stood) {
		if c.persist(t.Add(Ahead)) != nil {
			t = c.stood
		}
	}
	c.shown = latest(c.shown, t)
	return c.shown
}

func (c *Clock) reading() time.Time {
	m := c.machine()
	if !c.moved {
		return latest(c.base, m.UTC().Round(0))
	}
	return c.base.Add(m.Sub(c.real)).Round(0)
}

// Moved reports whether the clock shows anything else than the machine's time.
func (c *Clock) Moved() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moved
}

// Err answers why the clock stands still, if its disk refused.
func (c *Clock) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// Close notes where the clock stands, so that the next start goes on from exactly there.
func (c *Clock) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.persist(c.now())
}

// MoveTo moves the clock to target, which must not lie behind it (fault.Invalid). On the way it stands at every
// moment that next names and calls step there; next is asked again after each step for the earliest moment
// strictly later than after, and answers zero when there is none. An error of either ends the move where it is.
// Other moves wait.
func (c *Clock) MoveTo(ctx context.Context, target time.Time, next func(ctx context.Context, after time.Time) (time.Time, error),
	step func(ctx context.Context, due time.Time) error) error {
	c.moving.Lock()
	defer c.moving.Unlock()
	after := c.Now()
	if target.Before(after) {
		return fault.Invalid.Errorf("the clock stands at %s and never goes backwards; %s lies before it", text(after), text(target))
	}
	for {
		due, err := next(ctx, after)
		if err != nil {
			return fmt.Errorf("what is due after %s: %w", text(after), err)
		}
		if due.IsZero() || due.After(target) {
			return c.set(target)
		}
		if !due.After(after) {
			return fmt.Errorf("what is due after %s was said to be due at %s", text(after), text(due))
		}
		if err := c.set(due); err != nil {
			return err
		}
		if err := step(ctx, due); err != nil {
			return fmt.Errorf("at %s: %w", text(due), err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		after = due
	}
}

// Advance is MoveTo by a duration.
func (c *Clock) Advance(ctx context.Context, d time.Duration, next func(ctx context.Context, after time.Time) (time.Time, error),
	step func(ctx context.Context, due time.Time) error) error {
	return c.MoveTo(ctx, c.Now().Add(d), next, step)
}

// set puts the clock at t, unless it has run past it meanwhile.
func (c *Clock) set(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.After(c.now()) {
		return c.broken
	}
	wasMoved, base, real := c.moved, c.base, c.real
	c.moved, c.base, c.real = true, t.UTC().Round(0), c.machine()
	if err := c.persist(c.base.Add(Ahead)); err != nil {
		c.moved, c.base, c.real = wasMoved, base, real
		return err
	}
	return nil
}

func (c *Clock) persist(t time.Time) error {
	b, err := json.Marshal(stored{Moved: c.moved, Stood: t})
	if err == nil {
		err = disk.Replace(c.path, b)
	}
	if err != nil {
		c.broken = fmt.Errorf("the clock could not be stored: %w", err)
		return c.broken
	}
	c.stood, c.broken = t, nil
	return nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func text(t time.Time) string { return t.UTC().Format(time.RFC3339) }

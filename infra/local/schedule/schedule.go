// Package schedule starts what the template schedules, by the product's clock.
//
// In real time every schedule is started when it is due. When the clock is moved, and after a pause of the
// program, a schedule that comes every few minutes is started only where something of the product is due, and
// once at the end; the others are started at each of their moments. All happens in the order of the moments, one
// after the other, and what a function caused by its work is settled before the next one.
package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"onebook/infra/local/clock"
	"onebook/infra/local/invoke"
)

// Schedule is one schedule of the template.
type Schedule struct {
	Name       string
	Expression string
	Function   string
	Input      string // the payload; empty gives the service's own event. <aws.scheduler.scheduled-time> is filled in
}

// Runner starts schedules. Make it with New and set the rest.
type Runner struct {
	Clock  *clock.Clock
	Invoke func(ctx context.Context, function string, payload json.RawMessage) error
	// Due answers the earliest moment later than after at which something of the product is due, or zero; nil
	// means never.
	Due func(ctx context.Context, after time.Time) (time.Time, error)
	// Settle returns when everything that was caused so far has happened; nil does nothing.
	Settle func(ctx context.Context) error
	Log    *slog.Logger // optional

	db   *bbolt.DB
	mu   sync.Mutex
	jobs []*job
}

type job struct {
	Schedule
	expr Expression
	last time.Time // the latest moment it was started for
}

var bucket = []byte("schedule")

// New reads the schedules and, from db, up to where each was started. New ones begin now.
func New(db *bbolt.DB, c *clock.Clock, schedules []Schedule) (*Runner, error) {
	r := &Runner{Clock: c, db: db}
	now := c.Now()
	return r, db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		for _, s := range schedules {
			e, err := Parse(s.Expression)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			j := &job{Schedule: s, expr: e, last: now}
			if v := b.Get([]byte(s.Name)); v != nil {
				if err := j.last.UnmarshalText(v); err != nil {
					return fmt.Errorf("%s: %w", s.Name, err)
				}
			} else if err := j.put(tx); err != nil {
				return err
			}
			r.jobs = append(r.jobs, j)
		}
		return nil
	})
}

// Run starts schedules in real time until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := r.tick(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// tick starts what has become due and answers how long nothing will be; no longer than a second, because the
// clock may be moved.
func (r *Runner) tick(ctx context.Context) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Clock.Now()
	var err error
	if r.behind(now) {
		if err = r.startUntil(ctx, now, true); err == nil {
			err = r.sweep(ctx, now)
		}
	} else {
		err = r.startUntil(ctx, now, false)
	}
	if err != nil {
		if ctx.Err() == nil {
			r.note("starting what is due", err)
		}
		return time.Second
	}
	due, err := r.next(ctx, false)
	if err != nil || due.IsZero() {
		return time.Second
	}
	return min(max(due.Sub(now), 0), time.Second)
}

// behind reports whether more than one start was missed, as after a pause.
func (r *Runner) behind(now time.Time) bool {
	for _, j := range r.jobs {
		if n := j.expr.Next(j.last); !n.IsZero() {
			if n = j.expr.Next(n); !n.IsZero() && !n.After(now) {
				return true
			}
		}
	}
	return false
}

// MoveTo moves the clock to target and starts on the way what is due, in order, before it returns.
func (r *Runner) MoveTo(ctx context.Context, target time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	// What is under way ends first. Else it would seem to have taken as long as the clock jumps, and what watches over it,
	// such as a lease on a letter, would take it for lost.
	if err := r.settle(ctx); err != nil {
		return err
	}
	err := r.Clock.MoveTo(ctx, target, func(ctx context.Context, after time.Time) (time.Time, error) {
		due, err := r.next(ctx, true)
		if !due.IsZero() && !due.After(after) {
			due = after.Add(1) // it fell due while the step before it ran
		}
		return due, err
	}, func(ctx context.Context, _ time.Time) error {
		return r.startUntil(ctx, r.Clock.Now(), true)
	})
	if err != nil {
		return err
	}
	return r.sweep(ctx, r.Clock.Now())
}

// sweep starts at once what sweeps, between its moments: after a jump the state is to be that of now, and not of
// a minute later.
func (r *Runner) sweep(ctx context.Context, at time.Time) error {
	for _, j := range r.jobs {
		if j.expr.sweeps() && at.After(j.last) {
			r.run(ctx, j, at)
			if err := r.keep(j, at); err != nil {
				return err
			}
		}
	}
	return r.settle(ctx)
}

// startUntil starts, in order, everything that is due up to now.
func (r *Runner) startUntil(ctx context.Context, now time.Time, skipping bool) error {
	for {
		due, err := r.next(ctx, skipping)
		if err != nil || due.IsZero() || due.After(now) {
			return err
		}
		if err := r.start(ctx, due); err != nil {
			return err
		}
	}
}

// slack is how far back something may be said to be due that was planned while the schedule was started: a product
// may keep its moments in whole seconds. It costs one start more for what stays due after its start.
const slack = time.Minute

// next answers the earliest moment that some schedule has to be started for. When skipping, one that sweeps is
// only due where the product has something due after its last start.
func (r *Runner) next(ctx context.Context, skipping bool) (time.Time, error) {
	var first time.Time
	for _, j := range r.jobs {
		at := j.expr.Next(j.last)
		if skipping && j.expr.sweeps() {
			at = time.Time{}
			if r.Due != nil {
				due, err := r.Due(ctx, j.last.Add(-slack))
				if err != nil {
					return first, err
				}
				if !due.IsZero() {
					if at = j.expr.Next(due.Add(-1)); !at.After(j.last) {
						at = j.expr.Next(j.last)
					}
				}
			}
		}
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first, nil
}

// start starts every schedule that has a moment at due, and settles.
func (r *Runner) start(ctx context.Context, due time.Time) error {
	for _, j := range r.jobs {
		if !due.After(j.last) || !j.expr.Next(due.Add(-1)).Equal(due) {
			continue
		}
		r.run(ctx, j, due)
		if err := ctx.Err(); err != nil {
			return err // it may not have run; it is started again
		}
		if err := r.keep(j, due); err != nil {
			return err
		}
	}
	return r.settle(ctx)
}

func (r *Runner) keep(j *job, at time.Time) error {
	j.last = at
	if err := r.db.Update(j.put); err != nil {
		return fmt.Errorf("the schedule %s: %w", j.Name, err)
	}
	return nil
}

func (j *job) put(tx *bbolt.Tx) error {
	v, err := j.last.MarshalText()
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put([]byte(j.Name), v)
}

// run starts one function. Its failure is its own: the service would try again, and so does the next start.
func (r *Runner) run(ctx context.Context, j *job, at time.Time) {
	payload, err := event(j.Schedule, at)
	if err == nil {
		err = r.Invoke(ctx, j.Function, payload)
	}
	if err != nil {
		r.note(j.Name, err)
	}
}

func (r *Runner) settle(ctx context.Context) error {
	if r.Settle == nil {
		return nil
	}
	return r.Settle(ctx)
}

func (r *Runner) note(what string, err error) {
	if r.Log != nil {
		r.Log.Error("a schedule failed", "schedule", what, "error", err.Error())
	}
}

// event is the payload that the service sends.
func event(s Schedule, at time.Time) (json.RawMessage, error) {
	stamp := at.UTC().Format("2006-01-02T15:04:05Z")
	arn := "arn:aws:scheduler:us-east-1:000000000000:schedule/default/" + s.Name
	if s.Input != "" {
		out := strings.NewReplacer("<aws.scheduler.scheduled-time>", stamp, "<aws.scheduler.schedule-arn>", arn,
			"<aws.scheduler.execution-id>", invoke.RequestID(), "<aws.scheduler.attempt-number>", "1").Replace(s.Input)
		if !json.Valid([]byte(out)) {
			return nil, fmt.Errorf("the input of %s is no JSON", s.Name)
		}
		return json.RawMessage(out), nil
	}
	return json.Marshal(map[string]any{"version": "0", "id": invoke.RequestID(), "detail-type": "Scheduled Event", "source": "aws.scheduler",
		"account": "000000000000", "time": stamp, "region": "us-east-1", "resources": []string{arn}, "detail": "{}"})
}

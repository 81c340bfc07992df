package effect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/store"
)

// Plan is what a handler has found to do, after reading the truth.
type Plan struct {
	// Skip says why nothing is to be done any more; the effect ends dropped, without an issue.
	Skip string
	// Checks must hold when the effect is marked as being sent: the last moment before the call.
	Checks []store.Op
	// Call does it and answers the outside's id for it.
	Call func(ctx context.Context) (result string, err error)
	// Done commits the outcome; ops are the effect's own and must be part of that write. nil: they are written alone.
	Done func(ctx context.Context, result string, ops ...store.Op) error
	// Troubled says what else belongs to the note of a call without success. It is asked anew for every attempt to write
	// that; nil: there is nothing.
	Troubled func(ctx context.Context, cause error) (Trouble, error)
}

// Trouble is what a handler adds to the note of a call without success.
type Trouble struct {
	Ops    []store.Op        // part of the same write
	Offers []string          // actions of its issue
	Refs   map[string]string // what these need
}

// Handler plans one kind of effect. Its errors count like those of the call: fault.Busy is tried again, any other is
// for a person.
type Handler func(ctx context.Context, e Effect) (Plan, error)

// ErrAmbiguous wraps the error of a call that may or may not have happened at an outside that keeps no idempotency key. The
// effect stays as it is until its lease ends: a report of the outside may come and confirm it ([Runner.Confirm]). Only
// without one is it tried again.
var ErrAmbiguous = errors.New("effect: it may have happened")

// backoff is how long to wait after the n-th failure (design.md §4), about three days in all.
var backoff = []time.Duration{
	30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 24 * time.Hour,
}

// Runner runs effects.
type Runner struct {
	Table    store.Table
	Now      func() time.Time
	Handlers map[string]Handler // by Kind
	Hold     bool               // EFFECTS=hold: nothing goes out, everything stays in line (a restored table)
}

// leases say how long one attempt may take before it counts as lost. A letter has no idempotency key outside, so its attempt
// is lost only when the mail service would long have reported that it was sent (reliability.md E2).
var leases = map[string]time.Duration{Mail: 15 * time.Minute, PDF: time.Minute, Stripe: time.Minute}

func lease(lane string) time.Duration {
	if d := leases[lane]; d > 0 {
		return d
	}
	return time.Minute
}

// attemptKind is the kind of an attempt's item: the record made before the call, by which the write that leases an
// effect recognises itself.
const attemptKind = "attempt"

func attemptItem(effectID, what string, n int, at time.Time, note string) (store.Item, error) {
	body, err := json.Marshal(map[string]any{"at": at, "note": note})
	if err != nil {
		return store.Item{}, fmt.Errorf("attempt: %w", err)
	}
	return store.Item{
		Key: store.Key{PK: "EFFECT#" + effectID, SK: fmt.Sprintf("%s#%06d", what, n)}, Kind: attemptKind, Body: body,
		Expires: at.Add(keepDone),
	}, nil
}

// Run tries one effect, if it is due and nobody else has it. It answers an error only when the table failed; a failed
// call ends in the effect's state and an issue.
func (r *Runner) Run(ctx context.Context, effectID string) error {
	if r.Hold {
		return nil
	}
	e, err := Get(ctx, r.Table, effectID)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := r.Now().UTC()
	switch {
	case e.State == Pending && now.Before(e.NextAt), e.State == Sending && now.Before(e.LeaseUntil):
		return nil
	case e.State != Pending && e.State != Sending:
		return nil
	case !e.Until.IsZero() && now.After(e.Until):
		return r.dropLate(ctx, e, now)
	}
	h := r.Handlers[e.Kind]
	if h == nil {
		return r.failed(ctx, e, Plan{}, fmt.Errorf("no handler for %q", e.Kind), "")
	}
	plan, err := h(ctx, e)
	if err != nil {
		return r.failed(ctx, e, Plan{}, err, "")
	}
	if plan.Skip != "" {
		return r.finish(ctx, e, Dropped, plan.Skip, nil)
	}
	leased, err := r.take(ctx, e, plan.Checks, now)
	if err != nil {
		if errors.Is(err, errMoved) || errors.Is(err, fault.Unready) {
			return nil // taken by somebody else, or not to be done at this moment: the next look decides
		}
		return err
	}
	result, err := call(ctx, leased, plan)
	// Whatever it came to is worth more than the caller's deadline: what is not noted now is done again later.
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		return r.failed(ctx, leased, plan, err, result)
	}
	return r.finish(ctx, leased, Done, result, plan.Done)
}

// call does it within the lease: afterwards somebody else may be doing it.
func call(ctx context.Context, e Effect, plan Plan) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lease(e.Lane))
	defer cancel()
	return plan.Call(ctx)
}

// take marks the effect as being sent, under the handler's conditions, together with the attempt's record.
func (r *Runner) take(ctx context.Context, e Effect, checks []store.Op, now time.Time) (Effect, error) {
	e.State, e.LeaseUntil, e.Tries = Sending, now.Add(lease(e.Lane)), e.Tries+1
	op, err := e.put()
	if err != nil {
		return e, err
	}
	// The version, not the count of tries, numbers attempts: a retry asked for by a person begins to count anew.
	try, err := attemptItem(e.ID, "TRY", int(e.version), now, "")
	if err != nil {
		return e, err
	}
	ops := append([]store.Op{op, store.Put(try).Else(errMoved)}, checks...)
	if err := r.Table.Write(ctx, ops...); err != nil {
		return e, err
	}
	e.version++
	return e, nil
}

// finish commits the end of an effect, with its issue settled when there was one.
func (r *Runner) finish(ctx context.Context, e Effect, s State, result string, commit func(context.Context, string, ...store.Op) error) error {
	now := r.Now().UTC()
	e.State, e.Result, e.DoneAt, e.LeaseUntil, e.NextAt = s, result, now, time.Time{}, time.Time{}
	ops, err := r.ending(ctx, e, now, result)
	if err != nil {
		return err
	}
	if commit == nil {
		commit = func(ctx context.Context, _ string, ops ...store.Op) error { return r.Table.Write(ctx, ops...) }
	}
	return settle(func() error {
		op, ok, err := issue.Settled(ctx, r.Table, now, issueCode(e), e.ID, "it succeeded: "+result)
		if err != nil {
			return err
		}
		if !ok {
			return commit(ctx, result, ops...)
		}
		return commit(ctx, result, append(slices.Clone(ops), op.Else(errIssueMoved))...)
	})
}

// errIssueMoved: the effect's issue, or what the plan notes beside it, was changed by somebody at this moment.
var errIssueMoved = errors.New("effect: its issue moved")

const maxSettle = 8

// settle commits an outcome, again when the issue moved. When the effect itself moved, somebody else has committed one.
func settle(commit func() error) error {
	for n := 1; ; n++ {
		err := commit()
		switch {
		case errors.Is(err, errMoved):
			return nil
		case !errors.Is(err, errIssueMoved) || n == maxSettle:
			return err
		}
	}
}

func (r *Runner) ending(ctx context.Context, e Effect, now time.Time, note string) ([]store.Op, error) {
	op, err := e.put()
	if err != nil {
		return nil, err
	}
	end, err := attemptItem(e.ID, "END", int(e.version), now, note)
	if err != nil {
		return nil, err
	}
	return []store.Op{op, store.Put(end).Else(errMoved)}, nil
}

func issueCode(e Effect) string { return e.Kind + ".failed" }

// failed commits what a failure comes to: another try later, or a person.
func (r *Runner) failed(ctx context.Context, e Effect, plan Plan, cause error, result string) error {
	now := r.Now().UTC()
	if errors.Is(cause, ErrAmbiguous) && e.Tries <= len(backoff) {
		return r.uncertain(ctx, e, plan, cause, now)
	}
	in := issue.Issue{
		Code: issueCode(e), Subject: e.ID, Area: e.Area, ContactID: e.ContactID, Effect: e.ID, Title: e.Title + " failed",
		Refs: map[string]string{"about": e.Subject}, Attempts: []issue.Attempt{{At: now, Result: reason(cause)}},
	}
	if e.State != Sending {
		e.Tries++ // it failed before it was leased
	}
	if errors.Is(cause, fault.Busy) && e.Tries <= len(backoff) {
		e.State, e.NextAt, e.LeaseUntil = Pending, now.Add(backoff[e.Tries-1]), time.Time{}
		in.State, in.NextAt = issue.Retrying, e.NextAt
		in.Detail = reason(cause) + " It is tried again by itself."
	} else {
		e.State, e.Result, e.DoneAt, e.LeaseUntil, e.NextAt = Failed, result, now, time.Time{}, time.Time{}
		in.State = issue.Open
		in.Detail = reason(cause) + " Mend the cause and press retry, or settle it with a reason."
	}
	ops, err := r.ending(ctx, e, now, in.Detail)
	if err != nil {
		return err
	}
	return r.raise(ctx, now, in, ops, plan, cause)
}

// raise commits an outcome together with the issue that tells of it, and with what the plan notes of it.
func (r *Runner) raise(ctx context.Context, now time.Time, in issue.Issue, ops []store.Op, plan Plan, cause error) error {
	return settle(func() error {
		var more Trouble
		var err error
		if plan.Troubled != nil {
			if more, err = plan.Troubled(ctx, cause); err != nil {
				return err
			}
		}
		in.Offers = more.Offers
		maps.Copy(in.Refs, more.Refs)
		op, _, err := issue.Raise(ctx, r.Table, now, in)
		if err != nil {
			return err
		}
		all := append(slices.Clone(ops), op.Else(errIssueMoved))
		for _, n := range more.Ops {
			all = append(all, n.Else(errIssueMoved))
		}
		return r.Table.Write(ctx, all...)
	})
}

// uncertain notes that a call may have happened; the effect keeps its lease.
func (r *Runner) uncertain(ctx context.Context, e Effect, plan Plan, cause error, now time.Time) error {
	// Not END: the effect has not ended, and whoever ends this attempt writes that.
	note, err := attemptItem(e.ID, "LOST", int(e.version), now, "it may have happened")
	if err != nil {
		return err
	}
	// The effect is written although nothing of it changes: a report that is being taken in at this moment must not
	// miss the issue, nor the issue the report.
	op, err := e.put()
	if err != nil {
		return err
	}
	return r.raise(ctx, now, issue.Issue{
		Code: issueCode(e), Subject: e.ID, Area: e.Area, ContactID: e.ContactID, Effect: e.ID, State: issue.Retrying, NextAt: e.LeaseUntil,
		Title: e.Title + " may have failed", Refs: map[string]string{"about": e.Subject},
		Detail:   "No answer came, so it may have gone out. If no report of it comes, it is tried again by itself.",
		Attempts: []issue.Attempt{{At: now, Result: "no answer"}},
	}, []store.Op{op, store.Put(note).Else(errMoved)}, plan, cause)
}

// Confirm ends an effect that the outside reports as done, with the outside's id. It is what saves a letter from going out
// twice when its sender died before it could say so. An effect that has ended already stays as it is; fault.Busy when it
// moves all the time.
func (r *Runner) Confirm(ctx context.Context, effectID, result string) error {
	for range maxSettle {
		e, err := Get(ctx, r.Table, effectID)
		if errors.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil || e.State != Sending {
			return err
		}
		h := r.Handlers[e.Kind]
		if h == nil {
			return fmt.Errorf("effect %s: no handler for %q", e.ID, e.Kind)
		}
		plan, err := h(ctx, e)
		if err != nil {
			return err
		}
		// It ends without a word as well when the effect moved meanwhile; what it is then decides.
		if err := r.finish(ctx, e, Done, result, plan.Done); err != nil {
			return err
		}
	}
	return fault.Busy.Errorf("the effect is busy; report again in a moment")
}

// dropLate ends an effect whose time has passed, and says so.
func (r *Runner) dropLate(ctx context.Context, e Effect, now time.Time) error {
	e.State, e.Result, e.DoneAt, e.LeaseUntil, e.NextAt = Dropped, "too late", now, time.Time{}, time.Time{}
	ops, err := r.ending(ctx, e, now, e.Result)
	if err != nil {
		return err
	}
	return r.raise(ctx, now, issue.Issue{
		Code: issueCode(e), Subject: e.ID, Area: e.Area, ContactID: e.ContactID, State: issue.Open, Title: e.Title + " was not sent in time",
		Detail: "It could not be done before it lost its purpose and was dropped.", Refs: map[string]string{"about": e.Subject},
	}, ops, Plan{}, nil)
}

// reason is what an issue may show of an error: a fault's own words, or a plain sentence; the rest is in the log.
func reason(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message + "."
	}
	return "It was refused for a reason that is in the log."
}

// Sweep runs everything that is due on one shard, oldest first, and answers how many it tried and since when the oldest of them
// was due. It goes on after a failure of one and joins the errors.
func (r *Runner) Sweep(ctx context.Context, shard int) (tried int, oldest time.Time, err error) {
	var errs []error
	q := store.Query{Index: store.Due, Partition: DuePartition(shard), To: dueSK(r.Now().Add(time.Second), "")}
	for {
		p, err := r.Table.List(ctx, q)
		if err != nil {
			return tried, oldest, errors.Join(append(errs, err)...)
		}
		for _, it := range p.Items {
			if at, err := time.Parse(time.RFC3339, it.Due.SK[:len(dueForm)]); err == nil && oldest.IsZero() {
				oldest = at
			}
			tried++
			if err := r.Run(ctx, it.PK[len("EFFECT#"):]); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", it.PK, err))
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" || ctx.Err() != nil {
			return tried, oldest, errors.Join(errs...)
		}
	}
}

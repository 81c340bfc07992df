package issue

import (
	"context"
	"slices"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/store"
)

// Desk is where people settle issues. Every decision is an entry of the organisation's chain, with its reason.
type Desk struct {
	Table   store.Table
	Records *activity.Records
	Now     func() time.Time
	// May answers nil when the actor may settle issues of an area (member.MaySettle). Without it nobody may.
	May func(by activity.By, area string) error
}

// Decision is what a person does about an issue.
type Decision struct {
	Reason string    // needed to resolve or to ignore
	Until  time.Time // an ignored issue comes back then; zero is never
	Member string    // to whom it is assigned
}

const maxReason = 1000

// Resolve closes an issue that a person has settled otherwise. fault.Invalid without a reason, fault.Unready when it is
// settled already.
func (d *Desk) Resolve(ctx context.Context, by activity.By, issueID string, in Decision) error {
	if err := needReason(in.Reason); err != nil {
		return err
	}
	return d.change(ctx, by, issueID, "issue.resolved", in.Reason, func(i *Issue) (string, error) {
		i.State, i.Reason, i.NextAt = ResolvedManual, in.Reason, time.Time{}
		return "Issue settled by hand: " + i.Title, nil
	})
}

// Ignore leaves an issue be, for a reason, perhaps until a moment.
func (d *Desk) Ignore(ctx context.Context, by activity.By, issueID string, in Decision) error {
	if err := needReason(in.Reason); err != nil {
		return err
	}
	if !in.Until.IsZero() && !in.Until.After(d.Now()) {
		return fault.InField("until", "past", "until must lie in the future")
	}
	return d.change(ctx, by, issueID, "issue.ignored", in.Reason, func(i *Issue) (string, error) {
		i.State, i.Reason, i.Until = Ignored, in.Reason, in.Until
		return "Issue left as it is: " + i.Title, nil
	})
}

// Assign gives an issue to a member.
func (d *Desk) Assign(ctx context.Context, by activity.By, issueID string, in Decision) error {
	if in.Member == "" {
		return fault.InField("memberId", "required", "say who takes it")
	}
	return d.change(ctx, by, issueID, "issue.assigned", in.Reason, func(i *Issue) (string, error) {
		i.Assignee = in.Member
		return "Issue assigned: " + i.Title, nil
	})
}

// Retry marks an issue as being tried again; extra operations, such as putting the effect back in line, are part of the
// same transaction. They are made anew for every attempt.
func (d *Desk) Retry(ctx context.Context, by activity.By, issueID, reason string, extra func(ctx context.Context, i Issue) ([]store.Op, error)) error {
	return d.do(ctx, by, issueID, "issue.retried", reason, func(ctx context.Context, i *Issue) (string, []store.Op, error) {
		if i.Effect == "" {
			return "", nil, fault.Unready.Errorf("there is nothing to try again; settle it or leave it with a reason")
		}
		ops, err := extra(ctx, *i)
		i.State = Retrying
		i.NextAt = d.Now()
		return "Tried again: " + i.Title, ops, err
	})
}

// Act settles an issue by one of the actions that its code offers. What the action does is part of the same transaction and
// is made anew for every attempt. fault.Unready when the issue does not offer it.
func (d *Desk) Act(ctx context.Context, by activity.By, issueID, action, reason string, do func(ctx context.Context, i Issue) ([]store.Op, error)) error {
	if err := needReason(reason); err != nil {
		return err
	}
	return d.do(ctx, by, issueID, "issue."+action, reason, func(ctx context.Context, i *Issue) (string, []store.Op, error) {
		if !slices.Contains(i.Offers, action) {
			return "", nil, fault.Unready.Errorf("this issue cannot be settled like that")
		}
		ops, err := do(ctx, *i)
		i.State, i.Reason, i.NextAt = ResolvedManual, reason, time.Time{}
		return "Issue settled: " + i.Title, ops, err
	})
}

func needReason(r string) error {
	switch {
	case strings.TrimSpace(r) == "":
		return fault.InField("reason", "required", "a reason is needed: it is kept in the history")
	case len(r) > maxReason:
		return fault.InField("reason", "too_long", "a reason has at most %d characters", maxReason)
	}
	return nil
}

func (d *Desk) change(ctx context.Context, by activity.By, issueID, kind, reason string, edit func(*Issue) (string, error)) error {
	return d.do(ctx, by, issueID, kind, reason, func(_ context.Context, i *Issue) (string, []store.Op, error) {
		text, err := edit(i)
		return text, nil, err
	})
}

func (d *Desk) do(ctx context.Context, by activity.By, issueID, kind, reason string, edit func(context.Context, *Issue) (string, []store.Op, error)) error {
	_, err := d.Records.Do(ctx, by, activity.OrgChain(d.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		i, err := Get(ctx, d.Table, issueID)
		if err != nil {
			return nil, err
		}
		if err := d.may(by, i.Area); err != nil {
			return nil, err
		}
		if i.Actions() == nil {
			return nil, fault.Unready.Errorf("this issue is settled already")
		}
		text, ops, err := edit(ctx, &i)
		if err != nil {
			return nil, err
		}
		i.LastAt = d.Now()
		op, err := i.put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{Kind: kind, Subject: i.ID, Text: text, Reason: reason, Ops: append(ops, op)}, nil
	})
	return err
}

func (d *Desk) may(by activity.By, area string) error {
	if d.May == nil {
		return fault.Denied.Errorf("issues cannot be settled here")
	}
	return d.May(by, area)
}

// RetryAll is Retry for many, at most a hundred; it answers for each id what stopped it, nil when it is being tried again.
// One that fails does not stop the others.
func (d *Desk) RetryAll(ctx context.Context, by activity.By, ids []string, reason string, extra func(ctx context.Context, i Issue) ([]store.Op, error)) []error {
	by.Once = nil // of the request as a whole, and each of these is a deed of its own that may be done twice
	out := make([]error, len(ids))
	for n, issueID := range ids {
		out[n] = d.Retry(ctx, by, issueID, reason, extra)
	}
	return out
}

// List answers the issues of one state, or of all when s is empty, newest first, over all shards; cursor is of an earlier
// answer.
func (d *Desk) List(ctx context.Context, s State, limit int, cursor string) ([]Issue, string, error) {
	items, next, err := store.Merged(ctx, d.Table, partitions(s), store.Query{Index: store.ByList, Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	if items, err = store.Load(ctx, d.Table, store.ByList, items); err != nil {
		return nil, "", err
	}
	out := make([]Issue, 0, len(items))
	for _, it := range items {
		i, err := Decode(it)
		if err != nil {
			return nil, "", err
		}
		out = append(out, i)
	}
	return out, next, nil
}

func partitions(s State) []string {
	states := []State{Retrying, Open, ResolvedAuto, ResolvedManual, Ignored}
	if s != "" {
		states = []State{s}
	}
	var out []string
	for _, x := range states {
		for n := range Shards {
			out = append(out, ListPartition(x, n))
		}
	}
	return out
}

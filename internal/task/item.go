package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/store"
)

// A task lies with its contact, and so in the chain and under the head that its document moves:
//
//	C#<contact>   TASK#<the task's own part of its id>
//
// In the list index it stands under task#<state>#<shard 0..3> by the instant it is due, closed ones by when they were
// closed. An open one stands in the due index too, under task#<owner>#<shard 0..3>: what one member has to do next.
const (
	ItemKind = "task"
	Shards   = 4
)

// never is where tasks without a day stand: behind all others.
const never = "9999-12-31T00:00:00Z"

func key(contact, taskID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "TASK#" + id.Own(taskID)}
}

// ListPartition is where the list index keeps the tasks of one state.
func ListPartition(s State, shard int) string { return fmt.Sprintf("task#%s#%d", s, shard) }

// DuePartition is where the due index keeps the open tasks of one member.
func DuePartition(owner string, shard int) string { return fmt.Sprintf("task#%s#%d", owner, shard) }

var errStale = fault.Stale.Errorf("this task was changed meanwhile; read it again")

// Put answers the operation that stores the task over the version that was read.
func (t Task) Put() (store.Op, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return store.Op{}, fmt.Errorf("task: %w", err)
	}
	at := never
	switch {
	case t.State != Open:
		at = instant(t.ClosedAt)
	case !t.Instant.IsZero():
		at = instant(t.Instant)
	}
	shard := id.Shard(t.ContactID, Shards)
	it := store.Item{
		Key: key(t.ContactID, t.ID), Version: t.version, Kind: ItemKind, Body: body,
		List: store.Key{PK: ListPartition(t.State, shard), SK: at + "#" + t.ID},
	}
	if t.State == Open {
		it.Due = store.Key{PK: DuePartition(t.OwnerID, shard), SK: at + "#" + t.ID}
	}
	return store.Put(it).Else(errStale), nil
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func decode(it store.Item) (Task, error) {
	var t Task
	if err := json.Unmarshal(it.Body, &t); err != nil {
		return Task{}, fmt.Errorf("task %s: %w", it.SK, err)
	}
	t.version = it.Version
	return t, nil
}

// Get reads one task. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, taskID string) (Task, error) {
	contact, err := id.Contact("tk", taskID)
	if err != nil {
		return Task{}, err
	}
	it, err := t.Get(ctx, key(contact, taskID))
	if errors.Is(err, fault.NotFound) {
		return Task{}, fault.NotFound.Errorf("there is no such task")
	}
	if err != nil {
		return Task{}, err
	}
	return decode(it)
}

// owner answers the contact that a document belongs to, of its id.
func owner(subject string) (string, error) {
	prefix, _, _ := strings.Cut(subject, "_")
	return id.Contact(prefix, subject)
}

// maxOnSubject is how many open tasks one document may have, so that all of them fit into the deed that ends it.
const maxOnSubject = 20

// onSubject reads the open tasks that hang on a document.
func onSubject(ctx context.Context, t store.Table, contact, subject string) ([]Task, error) {
	var out []Task
	q := store.Query{Partition: "C#" + contact, Prefix: "TASK#"}
	for {
		p, err := t.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			x, err := decode(it)
			if err != nil {
				return nil, err
			}
			if x.State == Open && x.Subject == subject {
				out = append(out, x)
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out, nil
		}
	}
}

// Ended answers the operations that close the open tasks whose reason has ended with a document; because says it in a few
// words, such as "invoice 2026-0001 is paid". They belong into the write that ends the document. An outcome of Goes ends
// nothing and reads nothing.
func Ended(ctx context.Context, t store.Table, now time.Time, subject string, o Outcome, because string) ([]store.Op, error) {
	if o == Goes {
		return nil, nil
	}
	contact, err := owner(subject)
	if err != nil {
		return nil, err
	}
	open, err := onSubject(ctx, t, contact, subject)
	if err != nil {
		return nil, err
	}
	var ops []store.Op
	for _, x := range open {
		if !o.ends(x.Reason) {
			continue
		}
		x.State, x.ClosedAt, x.UpdatedAt, x.Because = Dropped, now.UTC(), now.UTC(), because
		op, err := x.Put()
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// Filter narrows a list of tasks; its zero value is all open ones.
type Filter struct {
	State    State     // empty: Open
	OwnerID  string    // empty: everybody's
	Contacts []string  // a contact with those that were merged into it; none: everybody's
	Before   time.Time // due earlier, of open ones
}

func (f Filter) fits(t Task) bool {
	return t.State == f.State && (f.OwnerID == "" || t.OwnerID == f.OwnerID) &&
		(f.Before.IsZero() || !t.Instant.IsZero() && t.Instant.Before(f.Before))
}

// List answers tasks, of open ones the soonest due first, of closed ones the last closed first, and of one contact the
// newest first. A page of closed tasks of one member, or of a contact's, may hold fewer than limit and still have a cursor.
func List(ctx context.Context, t store.Table, f Filter, limit int, cursor string) ([]Task, string, error) {
	if f.State == "" {
		f.State = Open
	}
	var items []store.Item
	var next string
	var err error
	if len(f.Contacts) > 0 {
		parts := make([]string, len(f.Contacts))
		for n, c := range f.Contacts {
			parts[n] = "C#" + c
		}
		items, next, err = store.Merged(ctx, t, parts, store.Query{Prefix: "TASK#", Desc: true, Limit: limit, Cursor: cursor})
	} else {
		items, next, err = f.indexed(ctx, t, limit, cursor)
	}
	if err != nil {
		return nil, "", err
	}
	out := make([]Task, 0, len(items))
	for _, it := range items {
		x, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		if f.fits(x) {
			out = append(out, x)
		}
	}
	return out, next, nil
}

func (f Filter) indexed(ctx context.Context, t store.Table, limit int, cursor string) ([]store.Item, string, error) {
	q := store.Query{Index: store.ByList, Limit: limit, Cursor: cursor, Desc: f.State != Open}
	if f.State == Open && f.OwnerID != "" {
		q.Index = store.Due
	}
	if f.State == Open && !f.Before.IsZero() {
		q.To = instant(f.Before)
	}
	parts := make([]string, Shards)
	for n := range parts {
		parts[n] = ListPartition(f.State, n)
		if q.Index == store.Due {
			parts[n] = DuePartition(f.OwnerID, n)
		}
	}
	found, next, err := store.Merged(ctx, t, parts, q)
	if err != nil {
		return nil, "", err
	}
	items, err := store.Load(ctx, t, q.Index, found)
	return items, next, err
}

// instantOf is by when a task is to be done.
func instantOf(in Input, zone *time.Location) time.Time {
	if !in.DueOn.IsZero() {
		return civil.DayStart(in.DueOn, zone).UTC()
	}
	return in.DueAt.UTC()
}

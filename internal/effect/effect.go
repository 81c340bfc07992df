// Package effect is what is to be done outside the table, once: mails, PDFs, calls to the provider.
//
// An effect is written in the transaction of the deed that wants it, so that there is never a deed without its mail nor
// a mail without its deed. The change stream runs it at once; a sweeper, which looks at the due index each minute,
// guarantees it. Both use the [Runner], which leases by a conditional write, so that two never run one effect together.
//
// An effect names what it is about and re-reads the truth when it runs. Its id is the outside's idempotency key.
package effect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/store"
)

// State is where an effect stands.
type State string

// The states of an effect.
const (
	Pending State = "pending" // waits for NextAt
	Sending State = "sending" // leased: somebody is doing it until LeaseUntil
	Done    State = "done"
	Dropped State = "dropped" // not needed any more, or too late; Result says why
	Failed  State = "failed"  // an open issue has it
)

// Lanes keep apart what runs in different functions: the stream filters on the item's kind, "effect.<lane>".
const (
	Mail   = "mail"
	PDF    = "pdf"
	Stripe = "stripe"
	Book   = "book" // deeds of our own that follow from another; the sweeper alone runs them, within a minute
)

// Effect is one deed outside.
type Effect struct {
	ID         string            `json:"id"` // ef_…
	Lane       string            `json:"lane"`
	Kind       string            `json:"kind"` // e.g. "mail.invoice"
	ContactID  string            `json:"contactId,omitempty"`
	Subject    string            `json:"subject"` // the thing it is about
	Args       map[string]string `json:"args,omitempty"`
	Title      string            `json:"title"`          // what a person reads when it fails: "Mail of invoice 2026-0042"
	Area       string            `json:"area"`           // whose issue a failure is
	Until      time.Time         `json:"until,omitzero"` // after this it is dropped with an issue
	State      State             `json:"state"`
	Tries      int               `json:"tries"`
	NextAt     time.Time         `json:"nextAt,omitzero"`
	LeaseUntil time.Time         `json:"leaseUntil,omitzero"`
	Result     string            `json:"result,omitempty"` // the outside's own id, or why it was dropped
	CreatedAt  time.Time         `json:"createdAt"`
	DoneAt     time.Time         `json:"doneAt,omitzero"`

	version int64
}

// keepDone is how long a finished effect is kept for a reader.
const keepDone = 90 * 24 * time.Hour

// Shards is how many partitions of the due index effects are spread over.
const Shards = 16

// DuePartition is where the due index keeps what waits; shard is 0 to 15.
func DuePartition(shard int) string { return fmt.Sprintf("effect#%d", shard) }

func key(effectID string) store.Key { return store.Key{PK: "EFFECT#" + effectID, SK: "EFFECT"} }

const dueForm = "2006-01-02T15:04:05Z"

// dueSK sorts by instant; whole seconds are enough and keep the key short.
func dueSK(at time.Time, effectID string) string {
	return at.UTC().Format(dueForm) + "#" + effectID
}

// New answers the operation that puts an effect in line, to be part of a deed. It fills state and times.
func New(e Effect, now time.Time) (store.Op, error) {
	e.State, e.CreatedAt, e.NextAt, e.version = Pending, now, now, 0
	return e.put()
}

func (e Effect) put() (store.Op, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return store.Op{}, fmt.Errorf("effect %s: %w", e.ID, err)
	}
	it := store.Item{Key: key(e.ID), Version: e.version, Kind: "effect." + e.Lane, Body: body}
	switch e.State {
	case Pending:
		it.Due = store.Key{PK: DuePartition(e.shard()), SK: dueSK(e.NextAt, e.ID)}
	case Sending:
		it.Due = store.Key{PK: DuePartition(e.shard()), SK: dueSK(e.LeaseUntil, e.ID)}
	default:
		it.Expires = e.DoneAt.Add(keepDone)
	}
	if e.State == Failed {
		it.Expires = time.Time{} // an open issue leads here
	}
	return store.Put(it).Else(errMoved), nil
}

// errMoved: somebody else moved the effect; whoever that was goes on with it.
var errMoved = errors.New("effect: moved")

func (e Effect) shard() int {
	if e.ContactID != "" {
		return id.Shard(e.ContactID, Shards)
	}
	return id.Shard(e.ID, Shards)
}

// Get reads one effect. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, effectID string) (Effect, error) {
	it, err := t.Get(ctx, key(effectID))
	if errors.Is(err, fault.NotFound) {
		return Effect{}, fault.NotFound.Errorf("there is no such effect")
	}
	if err != nil {
		return Effect{}, err
	}
	return Decode(it)
}

// Decode reads an effect from its item.
func Decode(it store.Item) (Effect, error) {
	var e Effect
	if err := json.Unmarshal(it.Body, &e); err != nil {
		return Effect{}, fmt.Errorf("effect %s: %w", it.PK, err)
	}
	e.version = it.Version
	return e, nil
}

// Again answers the operation that puts a failed or waiting effect back in line at now, because a person asked for it. It is
// part of a deed, which decides anew when the effect moves meanwhile.
func Again(ctx context.Context, t store.Table, effectID string, now time.Time) (store.Op, error) {
	e, err := Get(ctx, t, effectID)
	if err != nil {
		return store.Op{}, err
	}
	switch e.State {
	case Done:
		return store.Op{}, fault.Unready.Errorf("it has succeeded meanwhile")
	case Sending:
		if now.Before(e.LeaseUntil) {
			return store.Op{}, fault.Unready.Errorf("it is being tried at this moment")
		}
	}
	e.State, e.NextAt, e.Tries, e.Until, e.LeaseUntil = Pending, now, 0, time.Time{}, time.Time{}
	e.Result, e.DoneAt = "", time.Time{}
	op, err := e.put()
	return op.Else(activity.ErrContended), err
}

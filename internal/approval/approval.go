// Package approval is what takes two persons: one asks, another decides (rules.md §11, "Two persons").
//
// What is asked for is a deed of a kind that a way has registered. [Desk.Do] does it at once where one person is enough;
// otherwise it keeps the question, and nothing else changes until somebody else answers. The deed is decided when it is
// approved, on what is true then: it may turn out not to be possible any more, and the answer says why. Approving and the
// deed are one write.
//
// Nobody approves what they asked for, and one of the two is an owner. Where there is no second person, an owner who signed
// in within the last five minutes does it alone, with a reason, and every owner is told by mail.
package approval

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

// State is where an approval stands.
type State string

// The states. One that nobody answered in time is expired; it is stored as open.
const (
	Open     State = "open"
	Approved State = "approved"
	Rejected State = "rejected"
	Expired  State = "expired"
)

// Lifetime is how long a question waits for its answer: afterwards what it was about should be looked at anew.
const Lifetime = 14 * 24 * time.Hour

// Approval is one question: may this be done.
type Approval struct {
	ID        string    `json:"id"` // av_…
	ContactID string    `json:"contactId"`
	Kind      string    `json:"kind"`    // of the deed, e.g. "invoice.write-off"
	Subject   string    `json:"subject"` // what it is done to
	Text      string    `json:"text"`    // what is asked for, one plain sentence
	Reason    string    `json:"reason"`
	Amount    int64     `json:"amount,omitempty"` // minor units
	Currency  string    `json:"currency,omitempty"`
	State     State     `json:"state"`
	AskedBy   Person    `json:"askedBy"`
	AskedAt   time.Time `json:"askedAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	DecidedBy Person    `json:"decidedBy,omitzero"`
	DecidedAt time.Time `json:"decidedAt,omitzero"`
	Answer    string    `json:"answer,omitempty"` // why it was rejected

	version int64
}

// Person is a member as they were at that moment.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
}

func person(by activity.By) Person { return Person{ID: by.ID, Name: by.Name, Role: by.Role} }

// Version is the version that was read.
func (a Approval) Version() int64 { return a.version }

// At is the state at a moment: an open one is expired once its time is over.
func (a Approval) At(now time.Time) State {
	if a.State == Open && !now.Before(a.ExpiresAt) {
		return Expired
	}
	return a.State
}

// ItemKind is the kind of an approval's item.
const ItemKind = "approval"

// ListShards is how many partitions the list of one state has.
const ListShards = 4

// ListPartition is where the list index keeps the approvals of one stored state, by the moment they were asked for.
func ListPartition(s State, shard int) string { return fmt.Sprintf("approval#%s#%d", s, shard) }

const prefix = "APR#"

func key(contact, approvalID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: prefix + approvalID}
}

func (a Approval) put() (store.Op, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return store.Op{}, fmt.Errorf("approval: %w", err)
	}
	return store.Put(store.Item{
		Key: key(a.ContactID, a.ID), Version: a.version, Kind: ItemKind, Body: body,
		List: store.Key{PK: ListPartition(a.State, id.Shard(a.ContactID, ListShards)), SK: a.AskedAt.UTC().Format("2006-01-02T15:04:05Z") + "#" + a.ID},
	}), nil
}

func decode(it store.Item) (Approval, error) {
	var a Approval
	if err := json.Unmarshal(it.Body, &a); err != nil {
		return Approval{}, fmt.Errorf("approval %s: %w", it.SK, err)
	}
	a.version = it.Version
	return a, nil
}

// Get reads one approval. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, approvalID string) (Approval, error) {
	contact, err := id.Contact("av", approvalID)
	if err != nil {
		return Approval{}, err
	}
	it, err := t.Get(ctx, key(contact, approvalID))
	if errors.Is(err, fault.NotFound) {
		return Approval{}, fault.NotFound.Errorf("there is no such approval")
	}
	if err != nil {
		return Approval{}, err
	}
	return decode(it)
}

// List answers approvals, the latest question first: of one state at a moment, or of all when s is empty.
func List(ctx context.Context, t store.Table, s State, now time.Time, limit int, cursor string) ([]Approval, string, error) {
	states := []State{Open, Approved, Rejected}
	switch s {
	case "":
	case Expired:
		states = []State{Open}
	default:
		states = []State{s}
	}
	var parts []string
	for _, x := range states {
		for n := range ListShards {
			parts = append(parts, ListPartition(x, n))
		}
	}
	found, next, err := store.Merged(ctx, t, parts, store.Query{Index: store.ByList, Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	items, err := store.Load(ctx, t, store.ByList, found)
	if err != nil {
		return nil, "", err
	}
	var out []Approval
	for _, it := range items {
		a, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		if s == "" || a.At(now) == s {
			out = append(out, a)
		}
	}
	return out, next, nil
}

// waiting answers the open question for the same deed, if there is one.
func waiting(ctx context.Context, t store.Table, want Approval, now time.Time) (Approval, bool, error) {
	for cursor := ""; ; {
		p, err := t.List(ctx, store.Query{Partition: "C#" + want.ContactID, Prefix: prefix, Desc: true, Cursor: cursor})
		if err != nil {
			return Approval{}, false, err
		}
		for _, it := range p.Items {
			a, err := decode(it)
			if err != nil {
				return Approval{}, false, err
			}
			if a.Kind == want.Kind && a.Subject == want.Subject && a.At(now) == Open {
				return a, true, nil
			}
		}
		if cursor = p.Cursor; cursor == "" {
			return Approval{}, false, nil
		}
	}
}

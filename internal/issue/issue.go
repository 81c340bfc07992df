// Package issue is what could not be done, until somebody or something has done it.
//
// A failure that a person has to know of is an issue, and so is one that is still being retried. Issues fold:
// their fingerprint is made of the code and of the thing concerned, so the same failure, however often it comes, is one
// item with a count. An issue is written in the transaction that marks what failed, which is why the functions here
// answer operations for a write and do not write themselves. Only the decisions of a person write on their own.
//
//	RETRYING → RESOLVED_AUTO | OPEN → RESOLVED_MANUAL | IGNORED(reason, until)
//
// A new failure of the same fingerprint reopens it.
package issue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/store"
)

// State is where an issue stands.
type State string

// The states of an issue.
const (
	Retrying       State = "RETRYING"        // it is tried again by itself
	Open           State = "OPEN"            // a person is needed
	ResolvedAuto   State = "RESOLVED_AUTO"   // it succeeded by itself
	ResolvedManual State = "RESOLVED_MANUAL" // a person settled it
	Ignored        State = "IGNORED"         // a person chose to leave it, for a reason, perhaps until a day
)

// Areas decide whose issue it is: the roles that may settle it.
const (
	Billing = "billing"
	Booking = "booking"
	Admin   = "admin"
)

// Money is an amount at risk, minor units of an ISO 4217 currency.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Attempt is one try of what failed.
type Attempt struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"`
}

// Issue is one thing that could not be done.
type Issue struct {
	ID        string            `json:"id"` // is_<fingerprint>
	Code      string            `json:"code"`
	State     State             `json:"state"`
	Area      string            `json:"area"`
	Title     string            `json:"title"`  // one plain sentence: what could not be done
	Detail    string            `json:"detail"` // why, and what to do next
	ContactID string            `json:"contactId,omitempty"`
	Subject   string            `json:"subject,omitempty"` // the thing concerned
	Effect    string            `json:"effect,omitempty"`  // the effect to retry
	AtRisk    *Money            `json:"moneyAtRisk,omitempty"`
	Offers    []string          `json:"offers,omitempty"` // actions of its code, before those that every issue has
	Refs      map[string]string `json:"refs,omitempty"`   // what the actions of its code need, e.g. paymentIntent
	Count     int               `json:"count"`
	FirstAt   time.Time         `json:"firstAt"`
	LastAt    time.Time         `json:"lastAt"`
	NextAt    time.Time         `json:"nextAt,omitzero"` // when it is tried again by itself
	Attempts  []Attempt         `json:"attempts,omitempty"`
	Assignee  string            `json:"assignee,omitempty"`
	Reason    string            `json:"reason,omitempty"` // of the person who settled it
	Until     time.Time         `json:"until,omitzero"`   // an ignored one comes back then

	version int64
}

// Version is the version that was read, 0 for an issue not yet stored.
func (i Issue) Version() int64 { return i.version }

// ItemKind is the kind of an issue's item.
const ItemKind = "issue"

const maxAttempts = 20 // the newest are kept; Count tells of all

// Actions lists what a person may do about it, most useful first.
func (i Issue) Actions() []string {
	switch i.State {
	case Open, Retrying, Ignored:
		own := slices.Clone(i.Offers)
		if i.Effect != "" {
			own = append(own, "retry")
		}
		return append(own, "resolve", "ignore", "assign")
	}
	return nil
}

// Does says in plain words what one of the actions will do.
func (i Issue) Does(action string) string {
	switch action {
	case "retry":
		return "Tries it again at once, and goes on trying by itself if it fails."
	case "resend":
		return "Mails the letter again, to the contact's address as it is now, and closes this."
	case "unblock":
		return "Lets letters go to the address again and closes this; a letter that has not arrived there is mailed again."
	case "resolve":
		return "Closes it as settled by you in another way; nothing else changes. It opens again if the same fails once more."
	case "ignore":
		return "Leaves it be, until the day you name or for good; nothing else changes."
	case "assign":
		return "Gives it to a member, in whose list it then stands."
	}
	return ""
}

// Owner is whose it is: the member it was assigned to, else the one who looks after the record's health.
func (i Issue) Owner(keeper string) string {
	if i.Assignee != "" {
		return i.Assignee
	}
	return keeper
}

// IDOf is the id of the issue with this code about this subject.
func IDOf(code, subject string) string {
	s := sha256.Sum256([]byte(code + "\x00" + subject))
	return "is_" + hex.EncodeToString(s[:12])
}

func key(issueID string) store.Key { return store.Key{PK: "ISSUE#" + issueID, SK: "ISSUE"} }

// ListPartition is where the list index keeps the issues of one state; shard is 0 to 3.
func ListPartition(s State, shard int) string { return fmt.Sprintf("issue#%s#%d", s, shard) }

// Shards is how many partitions the list of one state has.
const Shards = 4

func (i Issue) put() (store.Op, error) {
	body, err := json.Marshal(i)
	if err != nil {
		return store.Op{}, fmt.Errorf("issue %s: %w", i.ID, err)
	}
	return store.Put(store.Item{
		Key: key(i.ID), Version: i.version, Kind: ItemKind, Body: body,
		List: store.Key{PK: ListPartition(i.State, id.Shard(i.ID, Shards)), SK: i.LastAt.UTC().Format(time.RFC3339) + "#" + i.ID},
	}).Else(activity.ErrContended), nil
}

// Get reads one issue. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, issueID string) (Issue, error) {
	it, err := t.Get(ctx, key(issueID))
	if errors.Is(err, fault.NotFound) {
		return Issue{}, fault.NotFound.Errorf("there is no such issue")
	}
	if err != nil {
		return Issue{}, err
	}
	return Decode(it)
}

// Decode reads an issue from its item.
func Decode(it store.Item) (Issue, error) {
	var i Issue
	if err := json.Unmarshal(it.Body, &i); err != nil {
		return Issue{}, fmt.Errorf("issue %s: %w", it.PK, err)
	}
	i.version = it.Version
	return i, nil
}

// Raise answers the operation that notes one more failure: a new issue, or the existing one with its count raised and
// reopened. In is what the failure says of itself; its State must be Retrying or Open.
func Raise(ctx context.Context, t store.Table, now time.Time, in Issue) (store.Op, Issue, error) {
	in.ID = IDOf(in.Code, in.Subject)
	old, err := Get(ctx, t, in.ID)
	switch {
	case errors.Is(err, fault.NotFound):
		old = Issue{FirstAt: now}
	case err != nil:
		return store.Op{}, Issue{}, err
	case old.State == ResolvedAuto || old.State == ResolvedManual:
		old.FirstAt, old.Attempts = now, nil
	case old.State == Open && in.State == Retrying:
		in.State = Open // a person was asked already; trying again does not take that back
	case old.State == Ignored && (old.Until.IsZero() || now.Before(old.Until)):
		in.State, in.Reason, in.Until = Ignored, old.Reason, old.Until
	}
	in.version, in.FirstAt, in.Count, in.LastAt, in.Assignee = old.version, old.FirstAt, old.Count+1, now, old.Assignee
	in.Attempts = append(old.Attempts, in.Attempts...)
	if n := len(in.Attempts); n > maxAttempts {
		in.Attempts = in.Attempts[n-maxAttempts:]
	}
	op, err := in.put()
	return op, in, err
}

// Settled answers the operation that closes the issue because what failed has succeeded, and false when there is none
// that is still unsettled.
func Settled(ctx context.Context, t store.Table, now time.Time, code, subject, how string) (store.Op, bool, error) {
	i, err := Get(ctx, t, IDOf(code, subject))
	if errors.Is(err, fault.NotFound) {
		return store.Op{}, false, nil
	}
	if err != nil {
		return store.Op{}, false, err
	}
	if i.State != Retrying && i.State != Open && i.State != Ignored {
		return store.Op{}, false, nil
	}
	i.State, i.LastAt, i.NextAt = ResolvedAuto, now, time.Time{}
	i.Attempts = append(i.Attempts, Attempt{At: now, Result: how})
	op, err := i.put()
	return op, err == nil, err
}

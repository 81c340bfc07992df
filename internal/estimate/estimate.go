// Package estimate is an offer to a client: lines and a total, good until a day, accepted exactly once.
//
// Sending freezes it: from then on it changes only by the client's answer, by time, or by what is made of it. Expiry is
// read from the day as well as stored, so an offer whose day has passed cannot be accepted, whether or not the clock
// has come by to say so.
package estimate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/id"
	"onebook/internal/org"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// State is where an estimate stands (rules.md §8).
type State string

// The states of an estimate.
const (
	Draft      State = "draft"
	Sent       State = "sent"
	Viewed     State = "viewed"
	Accepted   State = "accepted"
	Declined   State = "declined"
	Expired    State = "expired"
	Superseded State = "superseded" // revised: another version replaces it
	Canceled   State = "canceled"
	Invoiced   State = "invoiced"
	Deleted    State = "deleted" // a draft thrown away; nothing is stored any more
)

var transitions = map[State][]State{
	Draft:    {Sent, Deleted, Canceled},
	Sent:     {Viewed, Accepted, Declined, Expired, Superseded, Canceled},
	Viewed:   {Accepted, Declined, Expired, Superseded, Canceled},
	Expired:  {Sent, Superseded, Canceled},
	Accepted: {Invoiced, Canceled},
}

// Can reports whether an estimate may go from s to next.
func (s State) Can(next State) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// Answer is what the client said, and who.
type Answer struct {
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`               // kind and id of the actor
	Reason string    `json:"reason,omitempty"` // of a decline
	Hash   string    `json:"hash,omitempty"`   // SHA-256 of what was accepted, choices and terms included
	Terms  string    `json:"terms,omitempty"`  // version of the terms that were accepted with it; their text is the estimate's
}

// Estimate is one offer to a contact.
type Estimate struct {
	ID         string       `json:"id"`
	ContactID  string       `json:"contactId"`
	State      State        `json:"status"`
	Number     string       `json:"number,omitempty"`
	DealID     string       `json:"dealId,omitempty"`
	Body       sale.Body    `json:"body"`
	IssuedOn   civil.Date   `json:"issuedOn,omitzero"` // the day it was numbered, which its PDF is dated by
	ValidUntil civil.Date   `json:"validUntil"`        // the last day it can be accepted, in the organisation's zone
	Frozen     *sale.Frozen `json:"frozen,omitempty"`
	LinkID     string       `json:"linkId,omitempty"`
	SentAt     time.Time    `json:"sentAt,omitzero"`
	ViewedAt   time.Time    `json:"viewedAt,omitzero"`
	Answer     *Answer      `json:"answer,omitempty"`
	Conditions *org.Terms   `json:"terms,omitempty"`     // typed on the draft; from its sending on those that it is offered under
	Revision   int          `json:"revision,omitempty"`  // 2 for the first revision; the first version has none
	Revises    string       `json:"revises,omitempty"`   // the version that this one replaces when it is sent
	RevisedBy  string       `json:"revisedBy,omitempty"` // the newer version, perhaps still a draft
	Reason     string       `json:"reason,omitempty"`    // why it was canceled
	OrderID    string       `json:"orderId,omitempty"`
	InvoiceIDs []string     `json:"invoiceIds,omitempty"`
	CreatedAt  time.Time    `json:"createdAt"`
	UpdatedAt  time.Time    `json:"updatedAt"`

	version int64
}

// Version is the version that was read: the If-Match version.
func (e Estimate) Version() int64 { return e.version }

// To moves the estimate; fault.Unready when its state does not allow it.
func (e *Estimate) To(next State) error {
	if !e.State.Can(next) {
		return fault.Unready.Errorf("an estimate that is %s cannot become %s", e.State, next)
	}
	e.State = next
	return nil
}

// Revised answers the draft of the version after e, under an id of its own, good until a day.
func (e Estimate) Revised(newID string, until civil.Date, now time.Time) Estimate {
	return Estimate{
		ID: newID, ContactID: e.ContactID, State: Draft, DealID: e.DealID, Body: e.Body, ValidUntil: until, Conditions: e.Conditions, Revises: e.ID,
		Revision: max(e.Revision, 1) + 1, CreatedAt: now, UpdatedAt: now,
	}
}

// NumberAfter is the number of a revision: that of the version before with the revision behind it, such as E-0007-R2.
func (e Estimate) NumberAfter(before Estimate) string {
	root := before.Number
	if before.Revision > 1 {
		root = strings.TrimSuffix(root, fmt.Sprintf("-R%d", before.Revision))
	}
	return fmt.Sprintf("%s-R%d", root, e.Revision)
}

// Over reports whether its last day has passed on today, in the organisation's zone, while it waits for an answer.
func (e Estimate) Over(today civil.Date) bool {
	return (e.State == Sent || e.State == Viewed) && e.ValidUntil.Before(today)
}

// StateOn is the state as a reader sees it today: an offer whose day has passed is expired.
func (e Estimate) StateOn(today civil.Date) State {
	if e.Over(today) {
		return Expired
	}
	return e.State
}

// ItemKind is the kind of an estimate's item.
const ItemKind = "estimate"

// ErrStale is answered when the estimate is not the one that was read any more.
var ErrStale = fault.Stale.Errorf("this estimate was changed meanwhile; read it again")

func key(contact, estimateID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "EST#" + estimateID}
}

// ListShards is how many partitions the list of one state has.
const ListShards = 4

// DueShards is how many partitions the due index has for expiries.
const DueShards = 16

// DuePartition is where the due index keeps what can expire, by the day after the last.
func DuePartition(shard int) string { return fmt.Sprintf("estimate#%d", shard) }

// Put answers the operation that stores the estimate over the version that was read.
func (e Estimate) Put() (store.Op, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return store.Op{}, fmt.Errorf("estimate: %w", err)
	}
	it := store.Item{
		Key: key(e.ContactID, e.ID), Version: e.version, Kind: ItemKind, Body: body,
		List: store.Key{
			PK: fmt.Sprintf("estimate#%s#%d", e.State, id.Shard(e.ContactID, ListShards)),
			SK: e.CreatedAt.UTC().Format("2006-01-02") + "#" + e.ID,
		},
	}
	if e.State == Sent || e.State == Viewed {
		it.Due = store.Key{PK: DuePartition(id.Shard(e.ContactID, DueShards)), SK: e.expiry().Format("2006-01-02T15:04:05Z") + "#" + e.ID}
	}
	return store.Put(it).Else(ErrStale), nil
}

// expiry is the instant at which the day after the last one begins where the organisation is.
func (e Estimate) expiry() time.Time {
	next := e.ValidUntil.AddDays(1)
	if e.Frozen != nil {
		if zone, err := civil.Zone(e.Frozen.Look.TimeZone); err == nil {
			return civil.DayStart(next, zone).UTC()
		}
	}
	return civil.DayStart(next, time.UTC)
}

// Same answers the operation that demands the estimate as it was read, and changes nothing.
func (e Estimate) Same() store.Op {
	return store.Check(key(e.ContactID, e.ID), e.version).Else(fault.Unready.Errorf("estimate %s has moved meanwhile", e.Number))
}

// Remove answers the operation that throws a draft away.
func (e Estimate) Remove() store.Op {
	return store.Delete(key(e.ContactID, e.ID), e.version).Else(ErrStale)
}

// Decode reads an estimate from its item.
func Decode(it store.Item) (Estimate, error) {
	var e Estimate
	if err := json.Unmarshal(it.Body, &e); err != nil {
		return Estimate{}, fmt.Errorf("estimate %s: %w", it.SK, err)
	}
	e.version = it.Version
	return e, nil
}

// Get reads one estimate. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, estimateID string) (Estimate, error) {
	contact, err := id.Contact("es", estimateID)
	if err != nil {
		return Estimate{}, err
	}
	it, err := t.Get(ctx, key(contact, estimateID))
	if errors.Is(err, fault.NotFound) {
		return Estimate{}, fault.NotFound.Errorf("there is no such estimate")
	}
	if err != nil {
		return Estimate{}, err
	}
	return Decode(it)
}

func guardKey(number string) store.Key { return store.Key{PK: "U#estimate#" + number, SK: "U"} }

// Guard answers the operation by which no number is given twice and an estimate is found by it.
func (e Estimate) Guard() (store.Op, error) {
	body, err := json.Marshal(map[string]string{"id": e.ID})
	if err != nil {
		return store.Op{}, fmt.Errorf("guard: %w", err)
	}
	return store.Put(store.Item{Key: guardKey(e.Number), Kind: "guard", Body: body}).
		Else(fault.Exists.Errorf("the number %s was given before; change the numbering in the settings", e.Number).Coded("number_taken")), nil
}

// Terms answers the operations by which a search finds the estimate from now on: by its number and by its total.
func (e Estimate) Terms() []store.Op {
	return []store.Op{
		find.Put(find.Fold(e.Number), find.Estimate, e.ID), find.Put(find.Amount(e.Body.Totals.Total), find.Estimate, e.ID),
	}
}

// Of asks for a contact's estimates, the newest first.
func Of(contact string) store.Query {
	return store.Query{Partition: "C#" + contact, Prefix: "EST#" + id.Begin("es", contact), Desc: true}
}

// List answers estimates, newest first: of a contact and those merged into it, of one state, or all.
func List(ctx context.Context, t store.Table, s State, contacts []string, limit int, cursor string) ([]Estimate, string, error) {
	if len(contacts) > 0 {
		qs := make([]store.Query, 0, len(contacts))
		for _, c := range contacts {
			qs = append(qs, Of(c))
		}
		items, next, err := store.Together(ctx, t, qs, limit, cursor)
		if err != nil {
			return nil, "", err
		}
		out, err := decodeAll(items, s)
		return out, next, err
	}
	states := []State{Draft, Sent, Viewed, Accepted, Declined, Expired, Superseded, Canceled, Invoiced}
	if s != "" {
		states = []State{s}
	}
	var parts []string
	for _, x := range states {
		for n := range ListShards {
			parts = append(parts, fmt.Sprintf("estimate#%s#%d", x, n))
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
	out, err := decodeAll(items, "")
	return out, next, err
}

func decodeAll(items []store.Item, only State) ([]Estimate, error) {
	out := make([]Estimate, 0, len(items))
	for _, it := range items {
		e, err := Decode(it)
		if err != nil {
			return nil, err
		}
		if only == "" || e.State == only {
			out = append(out, e)
		}
	}
	return out, nil
}

// Expiring answers the ids of estimates whose day has passed by now, of one shard of the due index.
func Expiring(ctx context.Context, t store.Table, shard int, now time.Time) ([]string, error) {
	var out []string
	q := store.Query{Index: store.Due, Partition: DuePartition(shard), To: now.UTC().Add(time.Second).Format("2006-01-02T15:04:05Z")}
	for {
		p, err := t.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			out = append(out, it.SK[len("EST#"):])
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out, nil
		}
	}
}

// Package invoice is what a client owes and why.
//
// An invoice is a draft until it is issued: then it takes the next number of its series, freezes everything that
// is printed on it, and never changes again except in what was paid or credited. Few states are stored; sent, viewed
// and overdue are facts and words made from them.
//
// Times that must not be mixed up: issuedOn is the day the number was taken, in the organisation's zone; dueOn is the last
// day to pay on time; the dates of supply stand in the lines.
//
// Invariants: due = payable − paid − credited − written off; an invoice is paid exactly when it is issued and nothing is
// due or written off; what lies on the receivable account for an invoice is its due amount.
package invoice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/id"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// State is what is stored of where an invoice stands (rules.md §8).
type State string

// The stored states.
const (
	Draft         State = "draft"
	Open          State = "open"
	Paid          State = "paid"
	Void          State = "void"
	Uncollectible State = "uncollectible"
	Deleted       State = "deleted" // a draft thrown away; nothing is stored any more
)

var transitions = map[State][]State{
	Draft:         {Open, Deleted},
	Open:          {Paid, Uncollectible, Void},
	Uncollectible: {Paid, Void, Open},
	Paid:          {Open},
}

// Can reports whether an invoice may go from s to next.
func (s State) Can(next State) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// Share is what an invoice bills of its order; empty is the whole of it, or no order.
type Share string

// The shares. A deposit and a milestone are advances: a final invoice takes them off.
const (
	Deposit   Share = "deposit"
	Milestone Share = "milestone"
	Final     Share = "final"
)

// Advance reports whether it bills a share before the whole is done.
func (s Share) Advance() bool { return s == Deposit || s == Milestone }

// Invoice is one invoice of a contact.
type Invoice struct {
	ID         string     `json:"id"`
	ContactID  string     `json:"contactId"`
	State      State      `json:"status"`
	Number     string     `json:"number,omitempty"`
	EstimateID string     `json:"estimateId,omitempty"`
	OrderID    string     `json:"orderId,omitempty"`
	Share      Share      `json:"share,omitempty"`
	DealID     string     `json:"dealId,omitempty"` // empty: of no deal
	Body       sale.Body  `json:"body"`
	IssuedOn   civil.Date `json:"issuedOn,omitzero"`
	DueDays    *int       `json:"dueDays,omitempty"` // counts from issuedOn; dueOn wins
	DueOn      civil.Date `json:"dueOn,omitzero"`    // of the last instalment, when there are some
	// Instalments are frozen with the rest; which of them are paid follows from what was paid (Parts).
	Instalments []Instalment `json:"instalments,omitempty"`
	Frozen      *sale.Frozen `json:"frozen,omitempty"`
	LinkID      string       `json:"linkId,omitempty"`
	// Chosen are those a person chose to get its letters; without them the contact's own people do.
	Chosen []sale.Addressee `json:"chosen,omitempty"`
	// Recipients are who gets its letters, taken when it is issued. Unless they were chosen they are taken anew when it is
	// sent, so that an address that was corrected counts.
	Recipients []sale.Addressee `json:"recipients,omitempty"`
	Paid       int64            `json:"paid,omitempty"`
	Credited   int64            `json:"credited,omitempty"`
	Applied    int64            `json:"applied,omitempty"`    // how much of paid came from the contact's credit
	WrittenOff int64            `json:"writtenOff,omitempty"` // what was given up and has not come in since
	SentAt     time.Time        `json:"sentAt,omitzero"`
	PaidAt     time.Time        `json:"paidAt,omitzero"`
	VoidReason string           `json:"voidReason,omitempty"`
	LossReason string           `json:"lossReason,omitempty"` // why the rest was written off
	CreatedAt  time.Time        `json:"createdAt"`
	UpdatedAt  time.Time        `json:"updatedAt"`

	version int64
}

// Version is the version that was read: the If-Match version.
func (i Invoice) Version() int64 { return i.version }

// Due is what is still owed, minor units; zero for a draft or void invoice, and of what was written off.
func (i Invoice) Due() int64 { return i.Owed() - i.WrittenOff }

// Owed is what a payment may still bring: what is due and what was written off.
func (i Invoice) Owed() int64 {
	if i.State == Draft || i.State == Void {
		return 0
	}
	return i.Body.Totals.Payable - i.Paid - i.Credited
}

// To moves the invoice; fault.Unready when its state does not allow it.
func (i *Invoice) To(next State) error {
	if !i.State.Can(next) {
		return fault.Unready.Errorf("an invoice that is %s cannot become %s", i.State, next)
	}
	i.State = next
	return nil
}

// Overdue reports whether it is owed after its last day, on today in the organisation's zone. The day itself is not.
func (i Invoice) Overdue(today civil.Date) bool {
	return i.State == Open && i.Due() > 0 && i.NextDue().Before(today)
}

// Under notes a payment as on its way, or as not any more.
func (t *Track) Under(paymentID string, way bool) {
	t.Paying = slices.DeleteFunc(slices.Clone(t.Paying), func(p string) bool { return p == paymentID })
	if way {
		t.Paying = append(t.Paying, paymentID)
	}
}

// Display is the word that people read: the first that holds (rules.md §8, and §11 of money on its way).
func (i Invoice) Display(today civil.Date, t Track) string {
	switch {
	case i.State == Void:
		return "void"
	case i.State == Uncollectible:
		return "written off"
	case i.State == Paid && i.Credited > 0 && i.Paid == 0:
		return "credited"
	case i.State == Paid:
		return "paid"
	case i.State == Open && len(t.Paying) > 0:
		return "paying"
	case i.Overdue(today):
		return "overdue"
	case i.State == Open && i.Paid+i.Credited > 0:
		return "partially paid"
	case i.State == Open && !t.ViewedAt.IsZero():
		return "viewed"
	case i.State == Open && !i.SentAt.IsZero():
		return "sent"
	case i.State == Open:
		return "issued"
	}
	return "draft"
}

// Track is what happens to an invoice without changing it: views, delivery and the PDF. It has a version of its own.
type Track struct {
	ViewedAt time.Time `json:"viewedAt,omitzero"`
	Delivery *Delivery `json:"delivery,omitempty"`
	// Deliveries tell of each recipient when there are several; then Delivery is the one that needs a person most.
	Deliveries []Delivery `json:"deliveries,omitempty"`
	PDF        *sale.PDF  `json:"pdf,omitempty"`
	Paying     []string   `json:"paying,omitempty"` // payments whose money is on its way

	version int64
}

// DeliveryState is where a letter stands (rules.md §8, outbound message).
type DeliveryState string

// The states of a letter.
const (
	Queued     DeliveryState = "queued"
	Suppressed DeliveryState = "suppressed" // it was not needed any more, or the address is blocked
	Sent       DeliveryState = "sent"
	Delivered  DeliveryState = "delivered"
	Bounced    DeliveryState = "bounced"
	Opened     DeliveryState = "opened"
	Complained DeliveryState = "complained"
)

var deliveries = map[DeliveryState][]DeliveryState{
	Queued:    {Suppressed, Sent},
	Sent:      {Delivered, Bounced},
	Delivered: {Opened, Complained},
	Opened:    {Complained},
}

// Can reports whether a letter may go from s to next.
func (s DeliveryState) Can(next DeliveryState) bool {
	for _, t := range deliveries[s] {
		if t == next {
			return true
		}
	}
	return false
}

// After reports whether next is news to a letter in s: reports come twice and in any order, so one that leaves a step out
// counts, and one that would lead back does not. The one exception is a bounce after a delivery: some hosts take a letter
// first and refuse it later, and then the client has not got it.
func (s DeliveryState) After(next DeliveryState) bool {
	if s.Can(next) || s == Delivered && next == Bounced {
		return true
	}
	for _, t := range deliveries[s] {
		if t.After(next) {
			return true
		}
	}
	return false
}

// Delivery is what became of the newest letter with the invoice.
type Delivery struct {
	State DeliveryState `json:"state"`
	// Uncertain: no answer came, so the letter may have gone out. A report of the mail service or the next try ends it.
	Uncertain bool      `json:"uncertain,omitempty"`
	To        string    `json:"to,omitempty"`
	Message   string    `json:"message,omitempty"` // the mail service's id
	At        time.Time `json:"at"`
}

// grave orders deliveries by how much they need a person.
func (d Delivery) grave() int {
	switch {
	case d.State == Bounced || d.State == Complained || d.State == Suppressed:
		return 3
	case d.Uncertain:
		return 2
	case d.State == Delivered || d.State == Opened:
		return 0
	}
	return 1
}

// Of answers what became of the letter to an address, nil when none is known.
func (t Track) Of(address string) *Delivery {
	for _, d := range t.each() {
		if d.To == address {
			return &d
		}
	}
	return nil
}

// OfMessage answers what became of the letter that the mail service knows by this id, nil when it is none of the newest.
func (t Track) OfMessage(message string) *Delivery {
	for _, d := range t.each() {
		if d.Message == message {
			return &d
		}
	}
	return nil
}

func (t Track) each() []Delivery {
	if len(t.Deliveries) == 0 && t.Delivery != nil {
		return []Delivery{*t.Delivery}
	}
	return t.Deliveries
}

// Note keeps what became of one letter. Those to an address that is none of the recipients any more are forgotten.
func (t *Track) Note(d Delivery, recipients []sale.Addressee) {
	all := []Delivery{d}
	for _, old := range t.each() {
		if old.To != d.To && slices.ContainsFunc(recipients, func(a sale.Addressee) bool { return a.Email == old.To }) {
			all = append(all, old)
		}
	}
	slices.SortStableFunc(all, func(a, b Delivery) int { return b.grave() - a.grave() })
	t.Delivery, t.Deliveries = &all[0], nil
	if len(all) > 1 {
		t.Deliveries = all
	}
}

// Kinds of items.
const (
	ItemKind  = "invoice"
	TrackKind = "track"
)

// ListShards is how many partitions the list of one state has.
const ListShards = 4

// ListPartition is where the list index keeps the invoices of one state, by due date.
func ListPartition(s State, shard int) string { return fmt.Sprintf("invoice#%s#%d", s, shard) }

func key(contact, invoiceID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "INV#" + invoiceID}
}

func trackKey(contact, invoiceID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "INV#" + invoiceID + "#TRACK"}
}

// Put answers the operation that stores the invoice over the version that was read.
func (i Invoice) Put() (store.Op, error) {
	body, err := json.Marshal(i)
	if err != nil {
		return store.Op{}, fmt.Errorf("invoice: %w", err)
	}
	day := i.NextDue()
	if day.IsZero() {
		day = civil.DateOf(i.CreatedAt, time.UTC)
	}
	return store.Put(store.Item{
		Key: key(i.ContactID, i.ID), Version: i.version, Kind: ItemKind, Body: body,
		List: store.Key{PK: ListPartition(i.State, id.Shard(i.ContactID, ListShards)), SK: day.String() + "#" + i.ID},
	}).Else(ErrStale), nil
}

// ErrStale is answered when the invoice is not the one that was read any more.
var ErrStale = fault.Stale.Errorf("this invoice was changed meanwhile; read it again")

// Same answers the operation that demands the invoice as it was read, and changes nothing.
func (i Invoice) Same() store.Op {
	return store.Check(key(i.ContactID, i.ID), i.version).Else(fault.Unready.Errorf("invoice %s has moved meanwhile", i.Number))
}

// Remove answers the operation that throws a draft away.
func (i Invoice) Remove() store.Op {
	return store.Delete(key(i.ContactID, i.ID), i.version).Else(ErrStale)
}

// Put answers the operation that stores the track of an invoice; a deed that meets another decides again.
func (t Track) Put(i Invoice) (store.Op, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return store.Op{}, fmt.Errorf("track: %w", err)
	}
	return store.Put(store.Item{Key: trackKey(i.ContactID, i.ID), Version: t.version, Kind: TrackKind, Body: body}).
		Else(activity.ErrContended), nil
}

// Decode reads an invoice from its item.
func Decode(it store.Item) (Invoice, error) {
	var i Invoice
	if err := json.Unmarshal(it.Body, &i); err != nil {
		return Invoice{}, fmt.Errorf("invoice %s: %w", it.SK, err)
	}
	i.version = it.Version
	return i, nil
}

// Get reads one invoice. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, invoiceID string) (Invoice, error) {
	contact, err := id.Contact("in", invoiceID)
	if err != nil {
		return Invoice{}, err
	}
	it, err := t.Get(ctx, key(contact, invoiceID))
	if errors.Is(err, fault.NotFound) {
		return Invoice{}, fault.NotFound.Errorf("there is no such invoice")
	}
	if err != nil {
		return Invoice{}, err
	}
	return Decode(it)
}

// GetTrack reads an invoice's track, the zero Track when nothing has happened yet.
func GetTrack(ctx context.Context, t store.Table, i Invoice) (Track, error) {
	it, err := t.Get(ctx, trackKey(i.ContactID, i.ID))
	if errors.Is(err, fault.NotFound) {
		return Track{}, nil
	}
	if err != nil {
		return Track{}, err
	}
	var tr Track
	if err := json.Unmarshal(it.Body, &tr); err != nil {
		return Track{}, fmt.Errorf("track %s: %w", it.SK, err)
	}
	tr.version = it.Version
	return tr, nil
}

// guardKey is the guard of a document's number.
func guardKey(number string) store.Key { return store.Key{PK: "U#number#" + number, SK: "U"} }

// Guard answers the operation by which no number is given twice and an invoice is found by it.
func (i Invoice) Guard() (store.Op, error) {
	body, err := json.Marshal(map[string]string{"id": i.ID})
	if err != nil {
		return store.Op{}, fmt.Errorf("guard: %w", err)
	}
	return store.Put(store.Item{Key: guardKey(i.Number), Kind: "guard", Body: body}).
		Else(fault.Exists.Errorf("the number %s was given before; change the numbering in the settings", i.Number).Coded("number_taken")), nil
}

// Terms answers the operations by which a search finds the invoice from now on: by its number and by its total.
func (i Invoice) Terms() []store.Op {
	return []store.Op{
		find.Put(find.Fold(i.Number), find.Invoice, i.ID), find.Put(find.Amount(i.Body.Totals.Total), find.Invoice, i.ID),
	}
}

// ByNumber answers the invoice with this number. fault.NotFound when there is none.
func ByNumber(ctx context.Context, t store.Table, number string) (Invoice, error) {
	it, err := t.Get(ctx, guardKey(number))
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
		return Invoice{}, fault.NotFound.Errorf("there is no invoice with this number")
	}
	if err != nil {
		return Invoice{}, err
	}
	var ref struct{ ID string }
	if err := json.Unmarshal(it.Body, &ref); err != nil {
		return Invoice{}, fmt.Errorf("number %s: %w", number, err)
	}
	return Get(ctx, t, ref.ID)
}

// Filter chooses what List answers.
type Filter struct {
	State     State // empty: all
	Overdue   bool  // open, and due before Today
	Today     civil.Date
	Contacts  []string // a contact and those merged into it
	DueBefore civil.Date
	Deal      string // id of a deal, or NoDeal; empty: all
}

// NoDeal as a filter's deal are the invoices that belong to none.
const NoDeal = "none"

// OfDeal reports whether an invoice is of the filter's deal.
func (f Filter) OfDeal(i Invoice) bool {
	return f.Deal == "" || i.DealID == f.Deal || f.Deal == NoDeal && i.DealID == ""
}

// List answers invoices, the latest due date first. With contacts it answers theirs, the newest first.
func List(ctx context.Context, t store.Table, f Filter, limit int, cursor string) ([]Invoice, string, error) {
	if len(f.Contacts) > 0 {
		return ofContact(ctx, t, f, limit, cursor)
	}
	states := []State{Draft, Open, Paid, Void, Uncollectible}
	if f.State != "" {
		states = []State{f.State}
	}
	q := store.Query{Index: store.ByList, Desc: true, Limit: limit, Cursor: cursor}
	before := f.DueBefore
	if f.Overdue {
		states = []State{Open}
		if before.IsZero() || f.Today.Before(before) {
			before = f.Today
		}
	}
	if !before.IsZero() {
		q.To = before.String()
	}
	var parts []string
	for _, s := range states {
		for n := range ListShards {
			parts = append(parts, ListPartition(s, n))
		}
	}
	found, next, err := store.Merged(ctx, t, parts, q)
	if err != nil {
		return nil, "", err
	}
	items, err := store.Load(ctx, t, store.ByList, found)
	if err != nil {
		return nil, "", err
	}
	out := make([]Invoice, 0, len(items))
	for _, it := range items {
		i, err := Decode(it)
		if err != nil {
			return nil, "", err
		}
		if (!f.Overdue || i.Overdue(f.Today)) && f.OfDeal(i) {
			out = append(out, i)
		}
	}
	return out, next, nil
}

// Of asks for a contact's invoices, with their tracks between them, the newest first.
func Of(contact string) store.Query {
	return store.Query{Partition: "C#" + contact, Prefix: "INV#" + id.Begin("in", contact), Desc: true}
}

// ofContact walks a contact's invoices and keeps those that fit; the tracks between them are passed over.
func ofContact(ctx context.Context, t store.Table, f Filter, limit int, cursor string) ([]Invoice, string, error) {
	if limit <= 0 {
		limit = store.MaxPage
	}
	qs := make([]store.Query, 0, len(f.Contacts))
	for _, c := range f.Contacts {
		qs = append(qs, Of(c))
	}
	var out []Invoice
	for {
		// A page is taken no larger than what is still wanted, so that its cursor never passes over an invoice.
		items, next, err := store.Together(ctx, t, qs, limit-len(out), cursor)
		if err != nil {
			return nil, "", err
		}
		for _, it := range items {
			if it.Kind != ItemKind {
				continue
			}
			i, err := Decode(it)
			if err != nil {
				return nil, "", err
			}
			if f.OfDeal(i) && (f.State == "" || i.State == f.State) && (!f.Overdue || i.Overdue(f.Today)) &&
				(f.DueBefore.IsZero() || (!i.NextDue().IsZero() && i.NextDue().Before(f.DueBefore))) {
				out = append(out, i)
			}
		}
		if cursor = next; cursor == "" || len(out) >= limit {
			return out, cursor, nil
		}
	}
}

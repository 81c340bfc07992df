// Package order is what was agreed: the lines of an accepted estimate, and how much of them is billed.
//
// An order is made when its estimate is converted. What is issued counts as billed, what is voided does not any more;
// the order is billed when nothing remains. It may be billed in shares: advances (a deposit, milestones), whose net lies on
// the account of deposits until the order is billed or canceled, and a final invoice that takes them off. Net and tax of all
// its documents sum to the order's, by combination of taxes, to the cent: the last takes what is left ([Order.Take]).
package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// State is where an order stands.
type State string

// The states of an order.
const (
	Open     State = "open"
	Billed   State = "billed"
	Canceled State = "canceled"
)

// Order is one agreement with a contact.
type Order struct {
	ID         string    `json:"id"`
	ContactID  string    `json:"contactId"`
	State      State     `json:"state"`
	EstimateID string    `json:"estimateId,omitempty"`
	DealID     string    `json:"dealId,omitempty"`
	Title      string    `json:"title,omitempty"` // number of the estimate
	Body       sale.Body `json:"body"`
	Billed     int64     `json:"billed,omitempty"` // minor units
	Invoices   []string  `json:"invoices,omitempty"`
	MadeBy     string    `json:"madeBy,omitempty"` // kind and id of the actor
	CreatedAt  time.Time `json:"createdAt"`

	Deposit      int64       `json:"deposit,omitempty"` // as agreed when it was made, minor units with tax
	Milestones   []Milestone `json:"milestones,omitempty"`
	FinalID      string      `json:"finalId,omitempty"`  // the invoice that takes the advances off, drafted or issued
	Advanced     int64       `json:"advanced,omitempty"` // net of the issued advances, minor units
	Earned       int64       `json:"earned,omitempty"`   // what of that lies on revenue, and not on deposits any more
	CancelReason string      `json:"cancelReason,omitempty"`

	version int64
}

// Milestone is a part of an order that is billed by itself.
type Milestone struct {
	Name      string     `json:"name"`
	Amount    int64      `json:"amount"` // minor units with tax
	DueOn     civil.Date `json:"dueOn,omitzero"`
	InvoiceID string     `json:"invoiceId,omitempty"` // the one that bills it, drafted or issued
}

// Limits of an order.
const (
	MaxMilestones = 20
	MaxInvoices   = 60 // ever made for one order, those thrown away not counted
)

// Version is the version that was read.
func (o Order) Version() int64 { return o.version }

// Total is what was agreed, minor units.
func (o Order) Total() int64 { return o.Body.Totals.Total }

// Remaining is what is still to be billed, minor units; nothing of a canceled order.
func (o Order) Remaining() int64 {
	if o.State == Canceled {
		return 0
	}
	return o.Total() - o.Billed
}

// Bill counts an issued (or, negative, a voided) invoice; advance is the net of one that is an advance. It answers by how
// much the net of all advances moves from deposits to revenue with it: it is earned once the order is billed or canceled.
func (o *Order) Bill(amount, advance int64) (earned int64) {
	o.Billed += amount
	o.Advanced += advance
	switch {
	case o.State == Canceled:
	case o.Remaining() <= 0:
		o.State = Billed
	default:
		o.State = Open
	}
	return o.earn()
}

func (o *Order) earn() (moved int64) {
	was := o.Earned
	if o.Earned = 0; o.State != Open {
		o.Earned = o.Advanced
	}
	return o.Earned - was
}

// Cancel ends an open order: what is billed stays, the rest never will be. It answers what is earned with it, as Bill does.
func (o *Order) Cancel(reason string) (earned int64) {
	o.State, o.CancelReason = Canceled, reason
	return o.earn()
}

// Drop forgets an invoice that does not bill the order any more: it was voided, or its draft was thrown away. What it billed
// may be billed anew.
func (o *Order) Drop(invoiceID string) {
	if o.FinalID == invoiceID {
		o.FinalID = ""
	}
	for n := range o.Milestones {
		if o.Milestones[n].InvoiceID == invoiceID {
			o.Milestones[n].InvoiceID = ""
		}
	}
}

// ItemKind is the kind of an order's item.
const ItemKind = "order"

func key(contact, orderID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "ORD#" + orderID}
}

// ListShards is how many partitions the list of one state has.
const ListShards = 4

// Put answers the operation that stores the order over the version that was read.
func (o Order) Put() (store.Op, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return store.Op{}, fmt.Errorf("order: %w", err)
	}
	return store.Put(store.Item{
		Key: key(o.ContactID, o.ID), Version: o.version, Kind: ItemKind, Body: body,
		List: store.Key{
			PK: fmt.Sprintf("order#%s#%d", o.State, id.Shard(o.ContactID, ListShards)),
			SK: o.CreatedAt.UTC().Format("2006-01-02") + "#" + o.ID,
		},
	}), nil
}

// Get reads one order. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, orderID string) (Order, error) {
	contact, err := id.Contact("or", orderID)
	if err != nil {
		return Order{}, err
	}
	it, err := t.Get(ctx, key(contact, orderID))
	if errors.Is(err, fault.NotFound) {
		return Order{}, fault.NotFound.Errorf("there is no such order")
	}
	if err != nil {
		return Order{}, err
	}
	return decode(it)
}

func decode(it store.Item) (Order, error) {
	var o Order
	if err := json.Unmarshal(it.Body, &o); err != nil {
		return Order{}, fmt.Errorf("order %s: %w", it.SK, err)
	}
	o.version = it.Version
	return o, nil
}

// OfContact answers all orders in a contact's partition.
func OfContact(ctx context.Context, t store.Table, contact string) ([]Order, error) {
	var out []Order
	q := store.Query{Partition: "C#" + contact, Prefix: "ORD#"}
	for {
		p, err := t.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			o, err := decode(it)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out, nil
		}
	}
}

// List answers orders, newest first: of one state, or of all when s is empty.
func List(ctx context.Context, t store.Table, s State, limit int, cursor string) ([]Order, string, error) {
	states := []State{Open, Billed, Canceled}
	if s != "" {
		states = []State{s}
	}
	var parts []string
	for _, x := range states {
		for n := range ListShards {
			parts = append(parts, fmt.Sprintf("order#%s#%d", x, n))
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
	out := make([]Order, 0, len(items))
	for _, it := range items {
		o, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		out = append(out, o)
	}
	return out, next, nil
}

// Package order is what was agreed: the lines of an accepted estimate, and how much of them is billed.
//
// An order is made when its estimate is converted. What is issued counts as billed, what is voided does not any more;
// the order is billed when nothing remains.
package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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
	Title      string    `json:"title,omitempty"` // number of the estimate
	Body       sale.Body `json:"body"`
	Billed     int64     `json:"billed,omitempty"` // minor units
	Invoices   []string  `json:"invoices,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`

	version int64
}

// Version is the version that was read.
func (o Order) Version() int64 { return o.version }

// Total is what was agreed, minor units.
func (o Order) Total() int64 { return o.Body.Totals.Total }

// Remaining is what is still to be billed, minor units.
func (o Order) Remaining() int64 { return o.Total() - o.Billed }

// Bill counts an issued (or, negative, a voided) invoice.
func (o *Order) Bill(amount int64) {
	o.Billed += amount
	switch {
	case o.State == Canceled:
	case o.Remaining() <= 0:
		o.State = Billed
	default:
		o.State = Open
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

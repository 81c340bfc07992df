// Package catalog is what the organisation sells: services with a default price, the same everywhere.
//
// Documents copy what they take from an item, so that a new price changes nothing that was offered or billed.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/store"
)

// Units an item can be sold by.
var Units = []string{"hour", "fixed", "month", "each"}

// Item is one service.
type Item struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Unit        string        `json:"unit"`
	UnitPrice   money.Decimal `json:"unitPrice"` // major units of Currency
	Currency    string        `json:"currency"`
	TaxClass    string        `json:"taxClass"`
	CreatedAt   time.Time     `json:"createdAt"`
	UpdatedAt   time.Time     `json:"updatedAt"`

	version int64
}

// Version is the version that was read: the If-Match version.
func (i Item) Version() int64 { return i.version }

// ItemKind is the kind of an item's item.
const ItemKind = "catalog"

func key(itemID string) store.Key { return store.Key{PK: "ORG", SK: "CAT#" + itemID} }

// Service keeps the catalog.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time
}

// Input is what a person says of an item.
type Input struct {
	Name        string
	Description string
	Unit        string
	UnitPrice   money.Decimal
	Currency    string
	TaxClass    string
}

func (in *Input) check() error {
	var f fault.Fields
	in.Name, in.TaxClass = strings.TrimSpace(in.Name), strings.TrimSpace(in.TaxClass)
	if in.Name == "" || len([]rune(in.Name)) > 200 {
		f.Add("name", "invalid", "a name of 1 to 200 characters is needed")
	}
	if len([]rune(in.Description)) > 10_000 {
		f.Add("description", "too_long", "a description has at most 10,000 characters")
	}
	if !slices.Contains(Units, in.Unit) {
		f.Add("unit", "invalid", "a unit is one of hour, fixed, month, each")
	}
	if !in.UnitPrice.Given() || in.UnitPrice.Sign() < 0 {
		f.Add("unitPrice", "invalid", "a price of zero or more is needed, such as \"150.00\"")
	}
	if _, err := money.Exponent(in.Currency); err != nil {
		f.Add("currency", "invalid", "%q is not an ISO 4217 currency", in.Currency)
	}
	if in.TaxClass == "" || len(in.TaxClass) > 40 {
		f.Add("taxClass", "invalid", "a tax class of 1 to 40 characters is needed, e.g. standard")
	}
	return f.Err()
}

func (i *Item) put() (store.Op, error) {
	body, err := json.Marshal(i)
	if err != nil {
		return store.Op{}, fmt.Errorf("catalog: %w", err)
	}
	return store.Put(store.Item{Key: key(i.ID), Version: i.version, Kind: ItemKind, Body: body}).Else(errStale), nil
}

var errStale = fault.Stale.Errorf("this item was changed meanwhile; read it again")

func decode(it store.Item) (Item, error) {
	var i Item
	if err := json.Unmarshal(it.Body, &i); err != nil {
		return Item{}, fmt.Errorf("catalog %s: %w", it.SK, err)
	}
	i.version = it.Version
	return i, nil
}

// Get reads one item.
func (s *Service) Get(ctx context.Context, itemID string) (Item, error) {
	if err := id.Check("ca", itemID); err != nil {
		return Item{}, err
	}
	it, err := s.Table.Get(ctx, key(itemID))
	if errors.Is(err, fault.NotFound) {
		return Item{}, fault.NotFound.Errorf("there is no such catalog item")
	}
	if err != nil {
		return Item{}, err
	}
	return decode(it)
}

// List answers the items, newest first.
func (s *Service) List(ctx context.Context, limit int, cursor string) ([]Item, string, error) {
	p, err := s.Table.List(ctx, store.Query{Partition: "ORG", Prefix: "CAT#", Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	out := make([]Item, 0, len(p.Items))
	for _, it := range p.Items {
		i, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		out = append(out, i)
	}
	return out, p.Cursor, nil
}

// Create adds an item.
func (s *Service) Create(ctx context.Context, by activity.By, in Input) (Item, error) {
	if err := member.May(by, member.CatalogWrite); err != nil {
		return Item{}, err
	}
	if err := in.check(); err != nil {
		return Item{}, err
	}
	now := s.Now().UTC()
	i := Item{ID: s.IDs.New("ca"), CreatedAt: now}
	i.fill(in, now)
	_, err := s.Records.Do(ctx, by, activity.OrgChain(now), func(context.Context, activity.Head) (*activity.Deed, error) {
		op, err := i.put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "catalog.added", Subject: i.ID, Text: "Added " + i.Name + " to the catalog",
			Changes: []activity.Change{{Field: "unitPrice", To: i.UnitPrice.String()}}, Ops: []store.Op{op},
		}, nil
	})
	i.version = 1
	return i, err
}

func (i *Item) fill(in Input, now time.Time) {
	i.Name, i.Description, i.Unit, i.UnitPrice = in.Name, in.Description, in.Unit, in.UnitPrice
	i.Currency, i.TaxClass, i.UpdatedAt = in.Currency, in.TaxClass, now
}

// Update changes an item. fault.Stale when version is not the stored one.
func (s *Service) Update(ctx context.Context, by activity.By, itemID string, version int64, in Input) (Item, error) {
	if err := in.check(); err != nil {
		return Item{}, err
	}
	var out Item
	err := s.change(ctx, by, itemID, version, func(i Item) (*activity.Deed, error) {
		before := i
		i.fill(in, s.Now().UTC())
		op, err := i.put()
		if err != nil {
			return nil, err
		}
		d := &activity.Deed{Kind: "catalog.changed", Subject: i.ID, Text: "Changed " + i.Name + " in the catalog", Ops: []store.Op{op}}
		for _, c := range []activity.Change{
			{Field: "name", From: before.Name, To: i.Name}, {Field: "description", From: before.Description, To: i.Description},
			{Field: "unit", From: before.Unit, To: i.Unit}, {Field: "unitPrice", From: before.UnitPrice.String(), To: i.UnitPrice.String()},
			{Field: "currency", From: before.Currency, To: i.Currency}, {Field: "taxClass", From: before.TaxClass, To: i.TaxClass},
		} {
			if c.From != c.To {
				d.Changes = append(d.Changes, c)
			}
		}
		i.version++
		out = i
		return d, nil
	})
	return out, err
}

// Remove deletes an item. What was made from it stays as it is.
func (s *Service) Remove(ctx context.Context, by activity.By, itemID string, version int64) error {
	return s.change(ctx, by, itemID, version, func(i Item) (*activity.Deed, error) {
		return &activity.Deed{
			Kind: "catalog.removed", Subject: i.ID, Text: "Removed " + i.Name + " from the catalog",
			Ops: []store.Op{store.Delete(key(i.ID), i.version).Else(errStale)},
		}, nil
	})
}

func (s *Service) change(ctx context.Context, by activity.By, itemID string, version int64, edit func(Item) (*activity.Deed, error)) error {
	if err := member.May(by, member.CatalogWrite); err != nil {
		return err
	}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(s.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		i, err := s.Get(ctx, itemID)
		if err != nil {
			return nil, err
		}
		if i.version != version {
			return nil, errStale
		}
		return edit(i)
	})
	return err
}

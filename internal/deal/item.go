package deal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// A deal lies with its contact:
//
//	C#<contact>   DEAL#<deal>
//
// In the list index it stands under deal#<state>#<shard 0..3> by the day it was made. Stage and owner are looked at when
// it is loaded: there are few open deals, and a move to another stage then moves no index entry.
const (
	ItemKind   = "deal"
	ListShards = 4
)

func key(contact, dealID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "DEAL#" + dealID}
}

// ErrStale is answered when the deal is not the one that was read any more.
var ErrStale = fault.Stale.Errorf("this deal was changed meanwhile; read it again")

// Put answers the operation that stores the deal over the version that was read.
func (d Deal) Put() (store.Op, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return store.Op{}, fmt.Errorf("deal: %w", err)
	}
	return store.Put(store.Item{
		Key: key(d.ContactID, d.ID), Version: d.version, Kind: ItemKind, Body: body,
		List: store.Key{PK: partition(d.State, id.Shard(d.ContactID, ListShards)), SK: d.CreatedAt.UTC().Format("2006-01-02") + "#" + d.ID},
	}).Else(ErrStale), nil
}

func partition(s State, shard int) string { return fmt.Sprintf("deal#%s#%d", s, shard) }

func decode(it store.Item) (Deal, error) {
	var d Deal
	if err := json.Unmarshal(it.Body, &d); err != nil {
		return Deal{}, fmt.Errorf("deal %s: %w", it.SK, err)
	}
	d.version = it.Version
	return d, nil
}

// Get reads one deal. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, dealID string) (Deal, error) {
	contact, err := id.Contact("dl", dealID)
	if err != nil {
		return Deal{}, err
	}
	it, err := t.Get(ctx, key(contact, dealID))
	if errors.Is(err, fault.NotFound) {
		return Deal{}, fault.NotFound.Errorf("there is no such deal")
	}
	if err != nil {
		return Deal{}, err
	}
	return decode(it)
}

// Of answers nil when a document of this contact may belong to the deal, or to none when dealID is empty; else a
// fault.Invalid in dealId. A deal of a contact that was merged belongs to the survivor.
func Of(ctx context.Context, t store.Table, clients sale.Clients, dealID, contactID string) error {
	if dealID == "" {
		return nil
	}
	d, err := Get(ctx, t, dealID)
	if k := fault.KindOf(err); k == fault.NotFound || k == fault.Invalid {
		return fault.InField("dealId", "not_found", "there is no such deal")
	}
	if err != nil || d.ContactID == contactID {
		return err
	}
	his, err := clients.Client(ctx, d.ContactID)
	if err != nil {
		return err
	}
	mine, err := clients.Client(ctx, contactID)
	if err != nil {
		return err
	}
	if his.ContactID != mine.ContactID {
		return fault.InField("dealId", "other_contact", "this deal is another contact's")
	}
	return nil
}

// Filter chooses what List answers; what is empty leaves nothing out.
type Filter struct {
	State    State
	Stage    string
	OwnerID  string
	Contacts []string // a contact with those merged into it
}

func (f Filter) fits(d Deal) bool {
	return (f.State == "" || d.State == f.State) && (f.Stage == "" || d.Stage == f.Stage) && (f.OwnerID == "" || d.OwnerID == f.OwnerID)
}

// List answers deals, the newest first.
func List(ctx context.Context, t store.Table, f Filter, limit int, cursor string) ([]Deal, string, error) {
	if limit <= 0 {
		limit = store.MaxPage
	}
	var out []Deal
	for {
		// A page is taken no larger than what is still wanted, so that its cursor never passes over a deal.
		items, next, err := page(ctx, t, f, limit-len(out), cursor)
		if err != nil {
			return nil, "", err
		}
		for _, it := range items {
			d, err := decode(it)
			if err != nil {
				return nil, "", err
			}
			if f.fits(d) {
				out = append(out, d)
			}
		}
		if cursor = next; cursor == "" || len(out) >= limit {
			return out, cursor, nil
		}
	}
}

func page(ctx context.Context, t store.Table, f Filter, limit int, cursor string) ([]store.Item, string, error) {
	if len(f.Contacts) > 0 {
		qs := make([]store.Query, 0, len(f.Contacts))
		for _, c := range f.Contacts {
			qs = append(qs, store.Query{Partition: "C#" + c, Prefix: "DEAL#", Desc: true})
		}
		return store.Together(ctx, t, qs, limit, cursor)
	}
	states := []State{Open, Won, Lost}
	if f.State != "" {
		states = []State{f.State}
	}
	var parts []string
	for _, s := range states {
		for n := range ListShards {
			parts = append(parts, partition(s, n))
		}
	}
	found, next, err := store.Merged(ctx, t, parts, store.Query{Index: store.ByList, Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	items, err := store.Load(ctx, t, store.ByList, found)
	return items, next, err
}

// InStage reports whether an open deal stands in a stage.
func InStage(ctx context.Context, t store.Table, stage string) (bool, error) {
	ds, _, err := List(ctx, t, Filter{State: Open, Stage: stage}, 1, "")
	return len(ds) > 0, err
}

package activity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onebook/internal/fault"
	"onebook/internal/store"
)

// OnceKind is the kind of an idempotency record's item.
const OnceKind = "once"

// OnceRecord is what is kept of a request that carried an Idempotency-Key: not the body, but what it made.
type OnceRecord struct {
	Request string            `json:"r"` // hash of the request's body
	Status  int               `json:"s"`
	Subject string            `json:"i"` // id of what was made or changed
	Refs    map[string]string `json:"m,omitempty"`
}

func onceKey(key string) store.Key { return store.Key{PK: "CLAIM#idem#" + key, SK: "CLAIM"} }

// pending reports whether the claim is still to be written: only the first transaction of a deed carries it.
func (o *Once) pending() bool { return o != nil && !o.claimed }

func (o *Once) done() {
	if o != nil {
		o.claimed = true
	}
}

func (o *Once) claim(at time.Time, keep time.Duration, d *Deed) (store.Op, error) {
	body, err := json.Marshal(OnceRecord{Request: o.Request, Status: o.Status, Subject: d.Subject, Refs: d.Refs})
	if err != nil {
		return store.Op{}, fmt.Errorf("idempotency record: %w", err)
	}
	return store.Put(store.Item{Key: onceKey(o.Key), Kind: OnceKind, Body: body, Expires: at.Add(keep)}).Else(ErrOnce), nil
}

// FindOnce looks an Idempotency-Key up. A record that has expired by now counts as absent.
func FindOnce(ctx context.Context, t store.Table, now time.Time, key string) (OnceRecord, bool, error) {
	it, err := t.Get(ctx, onceKey(key))
	if errors.Is(err, fault.NotFound) {
		return OnceRecord{}, false, nil
	}
	if err != nil {
		return OnceRecord{}, false, err
	}
	if !it.Expires.IsZero() && !now.Before(it.Expires) {
		return OnceRecord{}, false, nil
	}
	var rec OnceRecord
	if err := json.Unmarshal(it.Body, &rec); err != nil {
		return OnceRecord{}, false, fmt.Errorf("idempotency record: %w", err)
	}
	return rec, true, nil
}

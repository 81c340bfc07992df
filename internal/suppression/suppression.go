// Package suppression is the e-mail addresses that get no letters any more, because their host refused one for good or
// their owner complained of one (reliability.md E3).
//
// An address is known by its match key, so writing it otherwise does not get round the block. A block is for one class of
// letters and stands until a person lifts it with a reason; it is then kept as lifted, so that the story of the address is
// not lost. Letters that a passing trouble kept from arriving block nothing.
package suppression

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/store"
)

// Transactional is the class of letters that belong to a document or a visit (rules.md §4).
const Transactional = "transactional"

// Why an address is blocked.
const (
	Bounced    = "bounced"
	Complained = "complained"
)

// Block is why an address gets no letters.
type Block struct {
	Key      string    `json:"key"`              // match key
	Class    string    `json:"class"`            // of the letters that are stopped
	Because  string    `json:"because"`          // Bounced or Complained
	Detail   string    `json:"detail,omitempty"` // in the words of the mail service
	Effect   string    `json:"effect,omitempty"` // the letter
	At       time.Time `json:"at"`
	LiftedAt time.Time `json:"liftedAt,omitzero"`

	version int64
}

// Stands reports whether letters are stopped. The zero Block stops none.
func (b Block) Stands() bool { return !b.At.IsZero() && b.LiftedAt.IsZero() }

// ItemKind is the kind of a block's item.
const ItemKind = "block"

// BLOCK#<match key>   <CLASS>   why the address gets no letters of the class
func itemKey(class, key string) store.Key { return store.Key{PK: "BLOCK#" + key, SK: class} }

// Get reads the block of an address, the zero Block when there never was one.
func Get(ctx context.Context, t store.Table, class, key string) (Block, error) {
	it, err := t.Get(ctx, itemKey(class, key))
	if errors.Is(err, fault.NotFound) {
		return Block{Class: class, Key: key}, nil
	}
	if err != nil {
		return Block{}, err
	}
	var b Block
	if err := json.Unmarshal(it.Body, &b); err != nil {
		return Block{}, fmt.Errorf("block: %w", err)
	}
	b.version = it.Version
	return b, nil
}

// Put answers the operation that stores the block over the version that was read; a deed that meets another decides again.
func (b Block) Put() (store.Op, error) {
	body, err := json.Marshal(b)
	if err != nil {
		return store.Op{}, fmt.Errorf("block: %w", err)
	}
	return store.Put(store.Item{Key: itemKey(b.Class, b.Key), Version: b.version, Kind: ItemKind, Body: body}).Else(activity.ErrContended), nil
}

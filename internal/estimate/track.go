package estimate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"onebook/internal/fault"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Track is what happens to an estimate without changing it: its PDF. It has a version of its own.
type Track struct {
	PDF *sale.PDF `json:"pdf,omitempty"`

	version int64
}

// TrackKind is the kind of a track's item.
const TrackKind = "estimate.track"

// trackKey does not begin like an estimate's, so that a list of estimates never meets a track.
func trackKey(e Estimate) store.Key {
	return store.Key{PK: "C#" + e.ContactID, SK: "TRACK#" + e.ID}
}

// Put answers the operation that stores the track of an estimate.
func (t Track) Put(e Estimate) (store.Op, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return store.Op{}, fmt.Errorf("track: %w", err)
	}
	return store.Put(store.Item{Key: trackKey(e), Version: t.version, Kind: TrackKind, Body: body}), nil
}

// GetTrack reads an estimate's track, the zero Track when nothing has happened yet.
func GetTrack(ctx context.Context, t store.Table, e Estimate) (Track, error) {
	it, err := t.Get(ctx, trackKey(e))
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

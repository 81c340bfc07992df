package org

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/store"
)

// Location is a place where the organisation works. A document names one, and its taxes are those of the place.
type Location struct {
	ID        string    `json:"id"` // lo_…
	Name      string    `json:"name"`
	Address   Address   `json:"address,omitzero"`
	TimeZone  string    `json:"timeZone,omitempty"` // IANA; empty: the organisation's
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`

	version int64
}

// Version is the version that was read: the If-Match version.
func (l Location) Version() int64 { return l.version }

// LocationInput is what people edit of a location.
type LocationInput struct {
	Name     string
	Address  Address
	TimeZone string
}

func (in *LocationInput) check() error {
	var f fault.Fields
	if in.Name = strings.TrimSpace(in.Name); in.Name == "" || len([]rune(in.Name)) > 200 {
		f.Add("name", "invalid", "a name of 1 to 200 characters is needed")
	}
	if in.TimeZone != "" {
		if _, err := civil.Zone(in.TimeZone); err != nil {
			f.Add("timeZone", "invalid", "%q is not an IANA time zone such as Europe/Berlin", in.TimeZone)
		}
	}
	if in.Address.Country != "" && !countryForm.MatchString(in.Address.Country) {
		f.Add("address.country", "invalid", "a country is written with two capital letters, such as DE")
	}
	return f.Err()
}

const locationKind = "location"

func locationKey(locationID string) store.Key { return store.Key{PK: "ORG", SK: "LOC#" + locationID} }

var errStaleLocation = fault.Stale.Errorf("this location was changed meanwhile; read it again")

func (l Location) put() (store.Op, error) {
	body, err := json.Marshal(l)
	if err != nil {
		return store.Op{}, fmt.Errorf("location: %w", err)
	}
	return store.Put(store.Item{Key: locationKey(l.ID), Version: l.version, Kind: locationKind, Body: body}).Else(errStaleLocation), nil
}

func decodeLocation(it store.Item) (Location, error) {
	var l Location
	if err := json.Unmarshal(it.Body, &l); err != nil {
		return Location{}, fmt.Errorf("location %s: %w", it.SK, err)
	}
	l.version = it.Version
	return l, nil
}

// Location reads one location. fault.NotFound when there is none.
func (s *Service) Location(ctx context.Context, locationID string) (Location, error) {
	it, err := s.Table.Get(ctx, locationKey(locationID))
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
		return Location{}, fault.NotFound.Errorf("there is no such location")
	}
	if err != nil {
		return Location{}, err
	}
	return decodeLocation(it)
}

// Locations lists all locations, in the order they were made.
func (s *Service) Locations(ctx context.Context) ([]Location, error) {
	var out []Location
	q := store.Query{Partition: "ORG", Prefix: "LOC#"}
	for {
		p, err := s.Table.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			l, err := decodeLocation(it)
			if err != nil {
				return nil, err
			}
			out = append(out, l)
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out, nil
		}
	}
}

// AddLocation adds a location. fault.Invalid names every wrong field.
func (s *Service) AddLocation(ctx context.Context, by activity.By, in LocationInput) (Location, error) {
	if err := member.May(by, member.OrganisationEdit); err != nil {
		return Location{}, err
	}
	if err := in.check(); err != nil {
		return Location{}, err
	}
	now := s.Now().UTC()
	l := Location{ID: s.IDs.New("lo"), Name: in.Name, Address: in.Address, TimeZone: in.TimeZone, CreatedAt: now, UpdatedAt: now}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(now), func(context.Context, activity.Head) (*activity.Deed, error) {
		op, err := l.put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{Kind: "location.added", Subject: l.ID, Text: "Added the location " + l.Name, Ops: []store.Op{op}}, nil
	})
	l.version = 1
	return l, err
}

// UpdateLocation replaces what people edit. fault.Stale when version is not the stored one.
func (s *Service) UpdateLocation(ctx context.Context, by activity.By, locationID string, version int64, in LocationInput) error {
	if err := in.check(); err != nil {
		return err
	}
	return s.changeLocation(ctx, by, locationID, version, func(_ context.Context, l Location) (*activity.Deed, error) {
		d := &activity.Deed{Kind: "location.changed", Text: "Changed the location " + in.Name}
		for _, c := range []activity.Change{
			{Field: "name", From: l.Name, To: in.Name}, {Field: "timeZone", From: l.TimeZone, To: in.TimeZone},
			{Field: "address", From: strings.Join(l.Address.Lines(), ", "), To: strings.Join(in.Address.Lines(), ", ")},
		} {
			if c.From != c.To {
				d.Changes = append(d.Changes, c)
			}
		}
		l.Name, l.Address, l.TimeZone, l.UpdatedAt = in.Name, in.Address, in.TimeZone, s.Now().UTC()
		op, err := l.put()
		d.Ops = []store.Op{op}
		return d, err
	})
}

// RemoveLocation takes a location away; documents keep what they were made with. fault.Unready while tax rules are of it.
func (s *Service) RemoveLocation(ctx context.Context, by activity.By, locationID string, version int64) error {
	return s.changeLocation(ctx, by, locationID, version, func(ctx context.Context, l Location) (*activity.Deed, error) {
		rules, err := s.TaxRules(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			if r.LocationID == l.ID {
				return nil, fault.Unready.Errorf("%s has tax rules of its own; remove these first", l.Name).With("taxRuleId", r.ID)
			}
		}
		return &activity.Deed{
			Kind: "location.removed", Text: "Removed the location " + l.Name,
			Ops: []store.Op{store.Delete(locationKey(l.ID), l.version).Else(errStaleLocation)},
		}, nil
	})
}

func (s *Service) changeLocation(ctx context.Context, by activity.By, locationID string, version int64, edit func(ctx context.Context, l Location) (*activity.Deed, error)) error {
	if err := member.May(by, member.OrganisationEdit); err != nil {
		return err
	}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(s.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		l, err := s.Location(ctx, locationID)
		if err != nil {
			return nil, err
		}
		if l.version != version {
			return nil, errStaleLocation
		}
		d, err := edit(ctx, l)
		if err != nil {
			return nil, err
		}
		d.Subject = l.ID
		return d, nil
	})
	return err
}

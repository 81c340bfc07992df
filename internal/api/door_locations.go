package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/org"
)

// LocationForm is what people edit of a location.
type LocationForm struct {
	Name     string      `json:"name" minLength:"1" maxLength:"200"`
	Address  addressForm `json:"address,omitzero"`
	TimeZone string      `json:"timeZone,omitempty" maxLength:"60" doc:"IANA; the organisation's unless given"`
}

func (f LocationForm) input() org.LocationInput {
	return org.LocationInput{Name: f.Name, Address: org.Address(f.Address), TimeZone: f.TimeZone}
}

type locationView struct {
	ID string `json:"id"`
	LocationForm
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
}

func locationOf(l org.Location) locationView {
	return locationView{
		ID: l.ID, LocationForm: LocationForm{Name: l.Name, Address: addressForm(l.Address), TimeZone: l.TimeZone},
		CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, Version: l.Version(),
	}
}

func (s Settings) location(ctx context.Context, locationID string) (locationView, Tag, error) {
	l, err := s.Org.Location(ctx, locationID)
	return locationOf(l), Tag{Rev: l.Version()}, err
}

func (s Settings) locationRoutes(r *Router) {
	Create(r, Op{ID: "createLocation", Path: "/locations", Summary: "A place where the organisation works; it may have tax rules of its own."}, Deed[None, LocationForm, locationView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, LocationForm]) (string, error) {
			l, err := s.Org.AddLocation(ctx, by, req.Body.input())
			return l.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, LocationForm], locationID string) (locationView, Tag, error) {
			return s.location(ctx, locationID)
		},
	})
	List(r, Op{ID: "listLocations", Path: "/locations", Summary: "Locations, in the order they were made."},
		func(ctx context.Context, _ activity.By, req *Request[Page, None]) ([]locationView, string, error) {
			all, err := s.Org.Locations(ctx)
			if err != nil {
				return nil, "", err
			}
			some, next, err := window(all, func(l org.Location) string { return l.ID }, req.Params)
			return each(some, locationOf), next, err
		})
	Read(r, Op{ID: "getLocation", Path: "/locations/{id}", Summary: "One location."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (locationView, Tag, error) {
			return s.location(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editLocation", Path: "/locations/{id}", Summary: "Change it; documents keep what they were made with."}, Change[idParam, LocationForm, locationView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, LocationForm]) (LocationForm, Tag, error) {
			v, tag, err := s.location(ctx, req.Params.ID)
			return v.LocationForm, tag, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, LocationForm]) error {
			return s.Org.UpdateLocation(ctx, by, req.Params.ID, req.Rev, req.Body.input())
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, LocationForm]) (locationView, Tag, error) {
			return s.location(ctx, req.Params.ID)
		},
	})
	Remove(r, Op{ID: "removeLocation", Path: "/locations/{id}", Summary: "Take it away, once no tax rule is of it; documents keep what they were made with."}, Removal[idParam]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			return s.location(ctx, req.Params.ID)
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) error {
			return s.Org.RemoveLocation(ctx, by, req.Params.ID, req.Rev)
		},
	})
}

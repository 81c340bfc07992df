package api

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"onebook/internal/activity"
	"onebook/internal/fault"
)

// gateway is what the HTTP API tells us about a request beside the request itself.
type gateway struct {
	request string            // its id, which is our correlation id
	claims  map[string]string // of the token that the authorizer accepted; nil without one
}

type gatewayKey struct{}

func gatewayOf(ctx context.Context) gateway { g, _ := ctx.Value(gatewayKey{}).(gateway); return g }

func withGateway(ctx context.Context, g gateway) context.Context {
	return context.WithValue(ctx, gatewayKey{}, g)
}

// member finds out which member asks. The authorizer has checked signature and expiry, but accepts the ID tokens of
// a person as well as the access tokens of any client of the pool, so kind, client and issuer are looked at again.
func (a *API) member(ctx context.Context) (activity.By, error) {
	c := gatewayOf(ctx).claims
	sub := c["sub"]
	if a.Members == nil || a.Issuer == "" || sub == "" ||
		c["token_use"] != "access" || c["iss"] != a.Issuer || c["client_id"] == "" || !slices.Contains(a.Clients, c["client_id"]) {
		return activity.By{}, errNobody
	}
	by, err := a.Members.Live(ctx, sub)
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Denied) {
		return denied(sub)
	}
	if err == nil && (by.Kind != activity.Member || by.ID == "") {
		return denied(sub)
	}
	by.Fresh = a.fresh(c["auth_time"])
	return by, err
}

// fresh reports whether a person signed in within the last five minutes (rules.md §11, "Two persons"). The token's own age
// says nothing: it is renewed without the person.
func (a *API) fresh(authTime string) bool {
	at, err := strconv.ParseInt(authTime, 10, 64)
	if err != nil || a.Machine == nil {
		return false
	}
	age := a.Machine().Unix() - at
	return age >= -60 && age <= 300 // clocks differ a little
}

// denied is told to a person whose token is good but who is no member any more.
func denied(sub string) (activity.By, error) {
	return activity.By{Kind: activity.Member, ID: sub}, fault.Denied.Errorf("you are not a member of this organisation, or no longer")
}

// client finds out which link is used, on routes that name its reference.
func (a *API) client(ctx context.Context, ref string) (activity.By, error) {
	if ref == "" {
		return activity.By{Kind: activity.Client}, nil
	}
	if a.Links == nil {
		return activity.By{}, fault.NotFound
	}
	by, err := a.Links.Actor(ctx, ref)
	if err == nil && (by.Kind != activity.Client || by.ID == "") {
		return activity.By{}, fault.NotFound
	}
	return by, err
}

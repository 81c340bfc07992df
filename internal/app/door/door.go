// Package door makes functions of the API: doors behind which a product works.
package door

import (
	"context"

	"onebook/internal/activity"
	"onebook/internal/api"
	"onebook/internal/app"
)

// Serve makes the function that serves these doors; needs are the names of the environment that it cannot do without.
func Serve(x *app.Product, doors []api.Door, needs ...string) (app.Handler, error) {
	if err := x.Needs(needs...); err != nil {
		return nil, err
	}
	a := &api.API{
		Issuer: x.Env["ISSUER"], Machine: x.Machine, Members: x.Members, Links: x.Links, Log: x.Log, Denied: denied(x),
		Once: func(ctx context.Context, key string) (activity.OnceRecord, bool, error) {
			return activity.FindOnce(ctx, x.Table, x.Now(), key)
		},
	}
	if c := x.Env["USER_POOL_CLIENT_ID"]; c != "" {
		a.Clients = []string{c}
	}
	a.Add(doors...)
	return app.Adapt(api.Handler(a)), nil
}

// denied audits an attempt that was refused for want of a right.
func denied(x *app.Product) func(ctx context.Context, by activity.By, route string) {
	return func(ctx context.Context, by activity.By, route string) {
		by.Once = nil
		_, err := x.Records.Do(ctx, by, activity.OrgChain(x.Now()), func(context.Context, activity.Head) (*activity.Deed, error) {
			return &activity.Deed{Kind: "access.denied", Subject: by.ID, Text: "Was refused: " + route}, nil
		})
		if err != nil {
			x.Log.ErrorContext(ctx, "a denied attempt could not be audited", "route", route, "error", err)
		}
	}
}

package api

import (
	"context"
	_ "embed"

	"onebook/internal/activity"
)

//go:embed openapi.json
var openapi []byte

// Doors are all doors without what works behind them: enough to document every route, not to serve one.
func Doors() []Door {
	return []Door{Contacts{}.Door(), Desk{}.Door(), Sales{}.Door(), Invoices{}.Door(), Settings{}.Door(), Portal{}.Door(), Manual()}
}

// Manual is the door that hands out the OpenAPI document, as it was when this program was built.
func Manual() Door {
	return Door{Name: "manual", Routes: func(r *Router) {
		Raw(r, Op{
			ID: "openapi", Path: "/openapi.json", Public: true, Summary: "This document.", Type: "application/openapi+json",
		}, func(context.Context, activity.By, *Request[None, None]) (Answer[None], error) {
			return Answer[None]{Body: openapi}, nil
		})
	}}
}

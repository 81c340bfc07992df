// Package contacts has the function that serves contacts. It is alone because it reads telephone numbers, and the plans of
// all countries are three times what anything else costs to start.
package contacts

import (
	"onebook/internal/api"
	"onebook/internal/app"
	"onebook/internal/app/door"
	"onebook/internal/phone"
)

// Function serves contacts, matching and timelines.
func Function(x *app.Product) (app.Handler, error) {
	x.Contacts.Phones = phone.Plans{}
	return door.Serve(x, []api.Door{
		api.Contacts{Contacts: x.Contacts, Org: x.Org, Table: x.Table}.Door(),
	}, "TABLE", "ISSUER", "USER_POOL_CLIENT_ID")
}

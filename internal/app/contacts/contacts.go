// Package contacts has the function that serves contacts. It is alone because it reads telephone numbers, and the plans of
// all countries are three times what anything else costs to start. The public form of inquiries is served here and not with
// the other public routes for the same reason.
package contacts

import (
	"onebook/internal/api"
	"onebook/internal/app"
	"onebook/internal/app/door"
	"onebook/internal/inquiry"
	"onebook/internal/phone"
	"onebook/internal/search"
)

// Function serves contacts, matching, timelines, tasks, messages and the public form of inquiries.
func Function(x *app.Product) (app.Handler, error) {
	x.Contacts.Phones = phone.Plans{}
	return door.Serve(x, []api.Door{
		api.Contacts{Contacts: x.Contacts, Org: x.Org, Table: x.Table, Records: x.Records, Search: &search.Service{Table: x.Table, Contacts: x.Contacts}}.Door(),
		api.Desk{Table: x.Table, Records: x.Records, Org: x.Org, Now: x.Now, Contacts: x.Contacts, Tasks: x.Tasks, Inquiries: &inquiry.Service{
			Table: x.Table, Records: x.Records, IDs: x.IDs, Now: x.Now, Org: x.Org, Members: x.Members, Contacts: x.Contacts, Tasks: x.Tasks,
		}}.Door(),
	}, "TABLE", "ISSUER", "USER_POOL_CLIENT_ID")
}

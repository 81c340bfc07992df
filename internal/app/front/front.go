// Package front has the functions of the API that link nothing heavy. The others have packages of their own.
package front

import (
	"onebook/internal/api"
	"onebook/internal/app"
	"onebook/internal/app/door"
	"onebook/internal/app/outside"
)

// Sales serves catalog, estimates and orders.
func Sales(x *app.Product) (app.Handler, error) {
	return door.Serve(x, []api.Door{
		api.Sales{Selling: x.Selling, Billing: x.Billing, Catalog: x.Catalog, Org: x.Org, Table: x.Table, Records: x.Records, PDFs: outside.Archive(x)}.Door(),
	}, "TABLE", "BUCKET", "ISSUER", "USER_POOL_CLIENT_ID")
}

// Invoices serves invoices and payments.
func Invoices(x *app.Product) (app.Handler, error) {
	return door.Serve(x, []api.Door{api.Invoices{
		Billing: x.Billing, Checkout: x.Checkout, Org: x.Org, Table: x.Table, Records: x.Records, PDFs: outside.Archive(x),
	}.Door()}, "TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "ISSUER", "USER_POOL_CLIENT_ID")
}

// Portal serves the client's pages.
func Portal(x *app.Product) (app.Handler, error) {
	x.Checkout.Provider = outside.Provider(x)
	return door.Serve(x, []api.Door{api.Portal{
		Links: x.Links, Selling: x.Selling, Billing: x.Billing, Checkout: x.Checkout, Org: x.Org, Table: x.Table, PDFs: outside.Archive(x), Base: x.Env["SITE_URL"],
	}.Door()}, "TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "STRIPE_SECRET", "STRIPE_LIVE")
}

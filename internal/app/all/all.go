// Package all knows every function, for the local program and for tests. A binary links its own function only.
package all

import (
	"onebook/internal/app"
	"onebook/internal/app/back"
	"onebook/internal/app/contacts"
	"onebook/internal/app/front"
	"onebook/internal/app/settings"
)

// Functions are all functions by their names, which are their folders in functions/.
var Functions = map[string]app.Function{
	"contacts":   contacts.Function,
	"sales":      front.Sales,
	"invoices":   front.Invoices,
	"settings":   settings.Function,
	"portal":     front.Portal,
	"stripehook": back.Stripehook,
	"mailhook":   back.Mailhook,
	"pdf":        back.PDF,
	"relay":      back.Relay,
	"sweeper":    back.Sweeper,
	"setup":      back.Setup,
}

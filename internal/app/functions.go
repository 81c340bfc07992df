package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/api"
	"onebook/internal/archive"
	"onebook/internal/billing"
	"onebook/internal/checkout"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/hook"
	"onebook/internal/letter"
	"onebook/internal/member"
	"onebook/internal/printing"
	"onebook/internal/relay"
	"onebook/internal/selling"
	"onebook/internal/upload"
)

// Handler is what a function's main hands to the Lambda runtime.
type Handler func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)

// reserve is what of a function's time is kept to answer in: work ends before the platform ends it.
const reserve = 2 * time.Second

// adapt puts types on a payload.
func adapt[In, Out any](do func(ctx context.Context, in In) (Out, error)) Handler {
	return func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end.Add(-reserve))
			defer cancel()
		}
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

// Functions are the constructors of all functions, by their names.
var Functions = map[string]func(*Product) (Handler, error){
	"contacts":   (*Product).ContactsFunction,
	"sales":      (*Product).SalesFunction,
	"invoices":   (*Product).InvoicesFunction,
	"settings":   (*Product).SettingsFunction,
	"portal":     (*Product).PortalFunction,
	"stripehook": (*Product).StripehookFunction,
	"mailhook":   (*Product).MailhookFunction,
	"pdf":        (*Product).PDFFunction,
	"relay":      (*Product).RelayFunction,
	"sweeper":    (*Product).SweeperFunction,
	"setup":      (*Product).SetupFunction,
}

// needs refuses to start a function whose environment lacks something, so that a wrong deployment fails at once and says
// what is missing.
func (x *Product) needs(names ...string) error {
	var missing []string
	for _, n := range names {
		if strings.TrimSpace(x.Env[n]) == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the environment lacks %s", strings.Join(missing, ", "))
	}
	return nil
}

// door makes a function of the API that serves these doors.
func (x *Product) door(doors []api.Door, needs ...string) (Handler, error) {
	if err := x.needs(needs...); err != nil {
		return nil, err
	}
	a := &api.API{
		Issuer: x.Env["ISSUER"], Members: x.Members, Links: x.Links, Log: x.Log, Denied: x.denied,
		Once: func(ctx context.Context, key string) (activity.OnceRecord, bool, error) {
			return activity.FindOnce(ctx, x.Table, x.Now(), key)
		},
	}
	if c := x.Env["USER_POOL_CLIENT_ID"]; c != "" {
		a.Clients = []string{c}
	}
	a.Add(doors...)
	return adapt(api.Handler(a)), nil
}

// denied audits an attempt that was refused for want of a right.
func (x *Product) denied(ctx context.Context, by activity.By, route string) {
	by.Once = nil
	_, err := x.Records.Do(ctx, by, activity.OrgChain(x.Now()), func(context.Context, activity.Head) (*activity.Deed, error) {
		return &activity.Deed{Kind: "access.denied", Subject: by.ID, Text: "Was refused: " + route}, nil
	})
	if err != nil {
		x.Log.ErrorContext(ctx, "a denied attempt could not be audited", "route", route, "error", err)
	}
}

func (x *Product) archive() *archive.Service {
	return &archive.Service{Table: x.Table, Blobs: x.blobs(), Now: x.Machine}
}

// ContactsFunction serves contacts.
func (x *Product) ContactsFunction() (Handler, error) {
	return x.door([]api.Door{api.Contacts{Contacts: x.Contacts, Org: x.Org, Table: x.Table}.Door()}, "TABLE", "ISSUER", "USER_POOL_CLIENT_ID")
}

// SalesFunction serves catalog, estimates and orders.
func (x *Product) SalesFunction() (Handler, error) {
	return x.door([]api.Door{api.Sales{Selling: x.Selling, Catalog: x.Catalog, Org: x.Org, Table: x.Table, Records: x.Records}.Door()}, "TABLE", "ISSUER", "USER_POOL_CLIENT_ID")
}

// InvoicesFunction serves invoices and payments.
func (x *Product) InvoicesFunction() (Handler, error) {
	return x.door([]api.Door{api.Invoices{
		Billing: x.Billing, Checkout: x.Checkout, Org: x.Org, Table: x.Table, Records: x.Records, PDFs: x.archive(),
	}.Door()}, "TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "ISSUER", "USER_POOL_CLIENT_ID")
}

// SettingsFunction serves organisation, tax, members and issues.
func (x *Product) SettingsFunction() (Handler, error) {
	return x.door([]api.Door{api.Manual(), api.Settings{
		Org: x.Org, Members: x.Members, Desk: x.Desk, Table: x.Table, Records: x.Records, Now: x.Now,
		Uploads: &upload.Service{Table: x.Table, Records: x.Records, Blobs: files{x.blobs()}, IDs: x.IDs, Now: x.Now, Machine: x.Machine},
	}.Door()}, "TABLE", "BUCKET", "ISSUER", "USER_POOL_CLIENT_ID")
}

// PortalFunction serves the client's pages.
func (x *Product) PortalFunction() (Handler, error) {
	return x.door([]api.Door{api.Portal{
		Links: x.Links, Selling: x.Selling, Billing: x.Billing, Checkout: x.Checkout, Org: x.Org, Table: x.Table, PDFs: x.archive(), Base: x.Env["SITE_URL"],
	}.Door()}, "TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "STRIPE_SECRET", "STRIPE_LIVE")
}

// StripehookFunction takes Stripe's webhooks.
func (x *Product) StripehookFunction() (Handler, error) {
	if err := x.needs("TABLE", "STRIPE_SECRET", "STRIPE_WEBHOOK_SECRET", "STRIPE_LIVE"); err != nil {
		return nil, err
	}
	secrets := once(func(ctx context.Context) ([]string, error) {
		s, err := x.secret(ctx, "STRIPE_WEBHOOK_SECRET")
		return strings.Fields(s), err
	})
	return adapt(hook.Stripe{Secrets: secrets, Hint: x.Checkout.Hint, Now: x.Now, Log: x.Log}.Handle), nil
}

// runner runs effects with the handlers of these lanes.
func (x *Product) runner(lanes ...string) *effect.Runner {
	r := &effect.Runner{Table: x.Table, Now: x.Now, Hold: x.Env["EFFECTS"] == "hold", Handlers: map[string]effect.Handler{}}
	for _, lane := range lanes {
		switch lane {
		case effect.Mail:
			post := x.post()
			r.Handlers[selling.MailEstimate], r.Handlers[billing.MailInvoice], r.Handlers[checkout.MailReceipt] = post.Estimate, post.Invoice, post.Receipt
			r.Handlers[member.SignIn] = x.Members.Enrol(x.Directory)
		case effect.PDF:
			p := &printing.Printer{Table: x.Table, Records: x.Records, Blobs: x.blobs(), Links: x.Links, Now: x.Now}
			r.Handlers[billing.PrintPDF] = p.Invoice
		}
	}
	return r
}

func (x *Product) post() *letter.Post {
	return &letter.Post{Table: x.Table, Records: x.Records, Clients: clients{x.Contacts}, Links: x.Links, Mailer: x.mailer(), Now: x.Now}
}

// MailhookFunction takes the reports of the mail service.
func (x *Product) MailhookFunction() (Handler, error) {
	if err := x.needs("TABLE"); err != nil {
		return nil, err
	}
	m := relay.Mail{Runner: x.runner(effect.Mail), Delivered: x.post().Delivered, Log: x.Log}
	return adapt(func(ctx context.Context, n relay.Notice) (struct{}, error) { return struct{}{}, m.Handle(ctx, n) }), nil
}

// PDFFunction prints what the stream brings.
func (x *Product) PDFFunction() (Handler, error) {
	if err := x.needs("TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "EFFECTS"); err != nil {
		return nil, err
	}
	return adapt(relay.Stream{Runner: x.runner(effect.PDF), Log: x.Log}.Handle), nil
}

// RelayFunction sends what the stream brings.
func (x *Product) RelayFunction() (Handler, error) {
	if err := x.needs("TABLE", "SITE_URL", "LINK_KEY_SECRET", "MAIL_FROM", "CONFIG_SET", "USER_POOL_ID", "EFFECTS"); err != nil {
		return nil, err
	}
	return adapt(relay.Stream{Runner: x.runner(effect.Mail), Log: x.Log}.Handle), nil
}

// SweeperFunction does each minute what is left.
func (x *Product) SweeperFunction() (Handler, error) {
	if err := x.needs("TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "MAIL_FROM", "CONFIG_SET", "USER_POOL_ID", "STRIPE_SECRET", "STRIPE_LIVE",
		"EFFECTS"); err != nil {
		return nil, err
	}
	return adapt(relay.Sweeper{Runner: x.runner(effect.Mail, effect.PDF), Expire: x.Selling.Expire, Pull: x.Checkout.Pull, Log: x.Log}.Handle), nil
}

// SetupRequest is the payload of the set-up, which make deploy invokes once.
type SetupRequest struct {
	OwnerEmail string `json:"ownerEmail"`
	OwnerName  string `json:"ownerName,omitempty"`
}

// SetupAnswer tells who owns the organisation.
type SetupAnswer struct {
	MemberID string `json:"memberId"`
}

// SetupFunction makes the first owner.
func (x *Product) SetupFunction() (Handler, error) {
	if err := x.needs("TABLE", "USER_POOL_ID"); err != nil {
		return nil, err
	}
	return adapt(func(ctx context.Context, in SetupRequest) (SetupAnswer, error) {
		if in.OwnerName == "" {
			in.OwnerName, _, _ = strings.Cut(in.OwnerEmail, "@")
		}
		m, err := x.Members.First(ctx, x.Directory, in.OwnerEmail, in.OwnerName)
		if errors.Is(err, fault.Exists) {
			return SetupAnswer{}, fmt.Errorf("setup: %w", err)
		}
		return SetupAnswer{MemberID: m.ID}, err
	}), nil
}

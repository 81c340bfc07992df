// Package rig is the real product on a table of its own, for tests: [New] wires it with app.New as every function does, and
// puts in the outside what a test can hold in its hands: a clock that only moves when told, chance that is the same in each
// run, a bank that is a working payment provider ([Bank]), a mailbox that keeps letters, and blobs that are put once.
//
// Its verbs fail the test when the product refuses, so a story reads as one; what is expected to be refused is asked of
// the product's own services.
package rig

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/app"
	"onebook/internal/approval"
	"onebook/internal/archive"
	"onebook/internal/billing"
	"onebook/internal/checkout"
	"onebook/internal/effect"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/phone"
	"onebook/internal/printing"
	"onebook/internal/selling"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// Site is the address of the rig's deployment.
const Site = "https://book.example"

// Begin is when every rig's clock begins: a Monday morning.
var Begin = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// Rig is one product with its outside.
type Rig struct {
	*app.Product
	TB      testing.TB
	Ctx     context.Context
	Clock   *Clock
	Base    *store.Embedded // the table itself, below what a test puts around it
	Bank    *Bank
	Mail    *Mailbox
	Blobs   *Blobs
	Post    *letter.Post
	Printer *printing.Printer
	Runner  *effect.Runner // of all lanes
}

// New makes a product. around, when given, is put around its table.
func New(tb testing.TB, around ...func(store.Table) store.Table) *Rig {
	tb.Helper()
	r := &Rig{TB: tb, Ctx: context.Background(), Clock: &Clock{now: Begin}, Mail: &Mailbox{}, Blobs: &Blobs{}}
	r.Base = storetest.Embedded(tb, r.Clock.Now)
	var table store.Table = r.Base
	for _, f := range around {
		table = f(table)
	}
	chance := &dice{}
	r.Bank = &Bank{Now: r.Clock.Now}
	r.Product = app.New(app.Parts{
		Env: map[string]string{"SITE_URL": Site, "LINK_KEY_SECRET": "link-key"}, Now: r.Clock.Now, Machine: r.Clock.Now, Entropy: chance,
		Table: table, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Secret: func(context.Context, string) (string, error) { return `{"1":"` + strings.Repeat("k", 32) + `"}`, nil },
	})
	r.Checkout.Provider, r.Contacts.Phones = r.Bank, phone.Plans{}
	clients := r.Billing.Clients
	r.Post = &letter.Post{Table: table, Records: r.Records, Clients: clients, Links: r.Links, Mailer: r.Mail, People: r.Members, Now: r.Clock.Now}
	r.Printer = &printing.Printer{Table: table, Records: r.Records, Blobs: r.Blobs, Links: r.Links, Now: r.Clock.Now}
	r.Runner = &effect.Runner{Table: table, Now: r.Clock.Now, Handlers: map[string]effect.Handler{
		selling.MailEstimate: r.Post.Estimate, billing.MailInvoice: r.Post.Invoice, checkout.MailReceipt: r.Post.Receipt,
		checkout.MailProcessing: r.Post.Processing, checkout.MailFailed: r.Post.Failed, link.MailRenewal: r.Post.Renewal, approval.MailNotice: r.Post.Notice,
		billing.PrintPDF: r.Printer.Invoice, selling.PrintEstimate: r.Printer.Estimate, archive.RestorePDF: r.Printer.Restore,
		selling.BillAccepted: r.Selling.Accepted(r.Billing),
	}}
	return r
}

// As is a member with a role.
func As(role member.Role) activity.By {
	return activity.By{Kind: activity.Member, ID: "mb_" + string(role), Name: "A " + string(role), Role: string(role)}
}

// Owner may everything that a person may.
var Owner = As(member.Owner)

// Client is the person behind a link.
func Client(linkID string) activity.By {
	return activity.By{Kind: activity.Client, ID: linkID, Name: "Client"}
}

// Key changes the versions of the link key; the last one derives.
func (r *Rig) Key(versions ...string) {
	r.Links.Keys = func(context.Context) ([]link.Key, error) {
		var out []link.Key
		for n := len(versions); n > 0; n-- {
			out = append(out, link.Key{Version: n, Secret: []byte(versions[n-1])})
		}
		return out, nil
	}
}

// Sweep does what the sweeper does each minute: asks for payments, ends offers, runs effects.
func (r *Rig) Sweep() {
	r.TB.Helper()
	if err := r.Checkout.Pull(r.Ctx); err != nil {
		r.TB.Fatalf("pull: %v", err)
	}
	for shard := range effect.Shards {
		if _, err := r.Selling.Expire(r.Ctx, shard); err != nil {
			r.TB.Fatalf("expire: %v", err)
		}
	}
	r.Drain()
}

// Drain runs the effects that are due, and answers how many were looked at.
func (r *Rig) Drain() int {
	r.TB.Helper()
	n := 0
	for shard := range effect.Shards {
		done, _, err := r.Runner.Sweep(r.Ctx, shard)
		if err != nil {
			r.TB.Fatalf("effects: %v", err)
		}
		n += done
	}
	return n
}

// Issues answers the codes of all issues of one state, newest first.
func (r *Rig) Issues(s issue.State) []string {
	r.TB.Helper()
	all, _, err := r.Desk.List(r.Ctx, s, 200, "")
	if err != nil {
		r.TB.Fatal(err)
	}
	out := []string{}
	for _, i := range all {
		out = append(out, i.Code)
	}
	return out
}

// Entries answers a contact's whole history, oldest first, after the chain was verified.
func (r *Rig) Entries(contactID string) []activity.Entry {
	r.TB.Helper()
	chain := activity.ContactChain(contactID)
	if _, err := r.Records.Verify(r.Ctx, chain); err != nil {
		r.TB.Fatalf("the chain of %s: %v", contactID, err)
	}
	var out []activity.Entry
	for cursor := ""; ; {
		es, next, err := r.Records.Timeline(r.Ctx, chain, 0, cursor)
		if err != nil {
			r.TB.Fatal(err)
		}
		out = append(out, es...)
		if cursor = next; cursor == "" {
			break
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// Kinds answers the kinds of a contact's entries, oldest first.
func (r *Rig) Kinds(contactID string) []string {
	r.TB.Helper()
	out := []string{}
	for _, e := range r.Entries(contactID) {
		out = append(out, e.Kind)
	}
	return out
}

// Head answers a contact's balance in a currency.
func (r *Rig) Head(contactID, currency string) activity.Balance {
	r.TB.Helper()
	h, err := r.Records.Head(r.Ctx, activity.ContactChain(contactID))
	if err != nil {
		r.TB.Fatal(err)
	}
	return h.Balances[currency]
}

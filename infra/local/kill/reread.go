package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"onebook/infra/local/drive"
)

// reread compares everything that is there with what was answered and with what whole lives must have left behind.
func reread(ctx context.Context, c *drive.Client, lives []*life, kept *ledger, out *Outcome) error {
	r := &reader{Client: c, lives: lives, kept: kept, out: out}
	for _, look := range []func(context.Context) error{r.facts, r.lists, r.series, r.provider, r.objects, r.issues} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	for _, l := range lives {
		if err := r.life(ctx, l); err != nil {
			return fmt.Errorf("life %d: %w", l.n, err)
		}
	}
	return nil
}

type reader struct {
	*drive.Client
	lives []*life
	kept  *ledger
	out   *Outcome
}

func (r *reader) same(what string, want, got any) {
	if w, g := plain(want), plain(got); w != g {
		r.kept.complain("%s: %s, not %s", what, g, w)
	}
}

// facts reads each thing that was told of, and compares every field that was.
func (r *reader) facts(ctx context.Context) error {
	for path, fields := range r.kept.facts {
		var now map[string]any
		err := r.Get(ctx, path, &now)
		if drive.StatusOf(err) == http.StatusNotFound {
			r.kept.complain("%s was answered and is gone", path)
			continue
		}
		if err != nil {
			return err
		}
		for name, want := range fields {
			r.out.Facts++
			if got := plain(now[name]); got != want {
				r.kept.complain("%s: %s was told as %s and is %s", path, name, want, got)
			}
		}
	}
	return nil
}

// lists counts: nothing is there that nobody made, and nothing twice.
func (r *reader) lists(ctx context.Context) error {
	payments := 0
	for _, l := range r.lives {
		payments += l.way.payments()
	}
	for path, want := range map[string]int{
		"/v1/contacts": len(r.lives), "/v1/estimates": len(r.lives), "/v1/orders": len(r.lives), "/v1/invoices": len(r.lives), "/v1/payments": payments,
	} {
		all, err := drive.List[struct{ ID string }](ctx, r.Client, path)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, x := range all {
			seen[x.ID] = true
		}
		r.same("how many in "+path, want, len(all))
		r.same("how many different ones in "+path, want, len(seen))
	}
	return nil
}

// series: numbers begin at 1 and have no gap.
func (r *reader) series(ctx context.Context) error {
	for path, form := range map[string]string{"/v1/invoices": firstDay[:4] + "-%04d", "/v1/estimates": "E-%04d"} {
		all, err := drive.List[struct{ Number string }](ctx, r.Client, path)
		if err != nil {
			return err
		}
		var got, want []string
		for n, x := range all {
			got, want = append(got, x.Number), append(want, fmt.Sprintf(form, n+1))
		}
		slices.Sort(got)
		r.same("the numbers of "+path, want, got)
	}
	return nil
}

func (r *reader) issues(ctx context.Context) error {
	for _, state := range []string{"OPEN", "RETRYING"} {
		all, err := drive.List[struct{ Title, Detail string }](ctx, r.Client, "/v1/issues?state="+state)
		if err != nil {
			return err
		}
		for _, i := range all {
			r.kept.complain("an issue is %s: %s: %s", state, i.Title, i.Detail)
		}
	}
	return nil
}

// standIn is the secret key of the local payment provider.
const standIn = "sk_test_local"

// provider reads the stand-in: one complete page and one payment for each time a client paid by card.
func (r *reader) provider(ctx context.Context) error {
	type session struct {
		ID, Status    string
		PaymentStatus string `json:"payment_status"`
		Intent        string `json:"payment_intent"`
		Amount        int64  `json:"amount_total"`
	}
	var sessions []session
	for after := ""; ; {
		var page struct {
			Data []session
			More bool `json:"has_more"`
		}
		path := "/_local/stripe/v1/checkout/sessions?limit=100"
		if after != "" {
			path += "&starting_after=" + after
		}
		if _, err := r.Do(ctx, drive.Call{Method: http.MethodGet, Path: path, Bearer: standIn}, &page); err != nil {
			return err
		}
		sessions = append(sessions, page.Data...)
		if !page.More {
			break
		}
		after = sessions[len(sessions)-1].ID
	}
	cards := 0
	var asked, received int64
	for _, l := range r.lives {
		cards += l.way.cards()
		asked += l.total
		if l.way == mixed {
			asked -= l.total / 3
		}
	}
	intents := map[string]bool{}
	for _, s := range sessions {
		r.same("the page "+s.ID, "complete paid", s.Status+" "+s.PaymentStatus)
		intents[s.Intent] = true
		var pi struct {
			Status   string
			Received int64 `json:"amount_received"`
		}
		if _, err := r.Do(ctx, drive.Call{Method: http.MethodGet, Path: "/_local/stripe/v1/payment_intents/" + s.Intent, Bearer: standIn}, &pi); err != nil {
			return err
		}
		r.same("the provider's payment "+s.Intent, "succeeded", pi.Status)
		received += pi.Received
	}
	r.same("pages at the provider", cards, len(sessions))
	r.same("payments at the provider", cards, len(intents))
	r.same("money at the provider", asked, received)
	for intent := range r.kept.intents {
		if !intents[intent] {
			r.kept.complain("the payment %s was told of and is not at the provider", intent)
		}
	}
	return nil
}

// life reads what one life has left.
func (r *reader) life(ctx context.Context, l *life) error {
	name := fmt.Sprintf("life %d: ", l.n)
	var c struct {
		Name    string
		Balance []any
	}
	var e struct {
		Status     string
		InvoiceIDs []string
	}
	var o struct {
		State             string
		Billed, Remaining int64
	}
	for path, into := range map[string]any{"/v1/contacts/" + l.contact: &c, "/v1/estimates/" + l.estimate: &e, "/v1/orders/" + l.order: &o} {
		if err := r.Get(ctx, path, into); err != nil {
			return err
		}
	}
	r.same(name+"the balance", []any{}, c.Balance)
	r.same(name+"the estimate", "invoiced", e.Status)
	r.same(name+"the estimate's invoices", []string{l.invoice}, e.InvoiceIDs)
	r.same(name+"the order", []any{"billed", l.total, 0}, []any{o.State, o.Billed, o.Remaining})
	if err := r.invoice(ctx, l, name); err != nil {
		return err
	}
	return r.story(ctx, l, name)
}

func (r *reader) invoice(ctx context.Context, l *life, name string) error {
	var i struct {
		Status           string
		Total, Paid, Due int64
		PDF              *struct{ SHA256 string }
		Delivery         struct{ State string }
	}
	if err := r.Get(ctx, "/v1/invoices/"+l.invoice, &i); err != nil {
		return err
	}
	r.same(name+"the invoice", []any{"paid", l.total, l.total, 0, "delivered"}, []any{i.Status, i.Total, i.Paid, i.Due, i.Delivery.State})
	if i.PDF == nil {
		r.kept.complain("%sthe invoice has no PDF", name)
		return nil
	}
	var at struct{ URL string }
	if _, err := r.Do(ctx, drive.Call{Method: http.MethodGet, Path: "/v1/invoices/" + l.invoice + "/pdf", Accept: "application/json"}, &at); err != nil {
		return err
	}
	pdf, err := r.Fetch(ctx, at.URL)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(pdf)
	r.same(name+"the bytes of the PDF", i.PDF.SHA256, hex.EncodeToString(sum[:]))
	r.out.PDFs++
	payments, err := drive.List[struct {
		Status, PaymentIntent, Method string
		Amount, Credit                int64
		Allocations                   []struct {
			InvoiceID string
			Amount    int64
		}
	}](ctx, r.Client, "/v1/payments?contactId="+l.contact)
	if err != nil {
		return err
	}
	r.same(name+"payments", l.way.payments(), len(payments))
	var paid int64
	intents := map[string]bool{}
	for _, p := range payments {
		paid += p.Amount
		if p.PaymentIntent != "" {
			intents[p.PaymentIntent] = true
		}
		r.same(name+"a payment", []any{"succeeded", 0, 1}, []any{p.Status, p.Credit, len(p.Allocations)})
	}
	r.same(name+"what was paid", l.total, paid)
	r.same(name+"payments at the provider", l.way.cards(), len(intents))
	return nil
}

// story reads the timeline, the chain and the mails: each deed once, each letter once.
func (r *reader) story(ctx context.Context, l *life, name string) error {
	events, err := drive.List[struct{ Kind, Text string }](ctx, r.Client, "/v1/contacts/"+l.contact+"/timeline")
	if err != nil {
		return err
	}
	kinds := map[string]int{}
	for _, e := range events {
		kinds[e.Kind]++
	}
	letters := 2 + l.way.payments()
	for kind, want := range map[string]int{
		"contact.created": 1, "estimate.drafted": 1, "estimate.sent": 1, "estimate.accepted": 1, "estimate.converted": 1,
		"invoice.drafted": 0, "invoice.issued": 1, "document.made": 2, "letter.sent": letters,
		"payment.started": l.way.cards(), "payment.succeeded": l.way.cards(), "payment.recorded": l.way.payments() - l.way.cards(),
	} {
		r.same(name+"the timeline's "+kind, want, kinds[kind])
	}
	var audit struct {
		Intact  bool
		Entries int
		Problem string
	}
	if err := r.Get(ctx, "/v1/audit/verify?contactId="+l.contact, &audit); err != nil {
		return err
	}
	if !audit.Intact || audit.Entries != len(events) {
		r.kept.complain("%sthe chain: intact %t, %d entries, of which the timeline shows %d: %s", name, audit.Intact, audit.Entries, len(events), audit.Problem)
	}
	mails, err := mailsTo(ctx, r.Client, l.email())
	if err != nil {
		return err
	}
	subjects, effects := map[string]int{}, map[string]bool{}
	for _, m := range mails {
		first, _, _ := strings.Cut(m.Subject, " ")
		subjects[first]++
		if effect := m.Tags["effect"]; effects[effect] {
			r.kept.complain("%s%q went out twice, the second time at %s, for %s", name, m.Subject, m.At, effect)
		} else {
			effects[effect] = true
		}
	}
	r.same(name+"mails", map[string]int{"Estimate": 1, "Invoice": 1, "Payment": l.way.payments()}, subjects)
	r.same(name+"different mails", letters, len(effects))
	r.out.Mails += len(mails)
	return nil
}

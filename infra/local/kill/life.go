package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onebook/infra/local/drive"
)

// way is how the client of a life pays.
type way int

const (
	whole   way = iota // by card, all at once
	refused            // the card is declined first, on the same page
	parts              // by card, in two parts
	mixed              // a transfer that somebody writes down, the rest by card
	ways
)

// payments is how many payments a life of this way ends with, and cards how many of them went through the provider.
func (w way) payments() int { return []int{1, 1, 2, 2}[w] }
func (w way) cards() int    { return []int{1, 1, 2, 1}[w] }

// life is one client's, from contact to cash. Its steps are its own memory: each is done until it was answered.
type life struct {
	*drive.Client
	n    int
	way  way
	kept *ledger
	// notYet is called when what must come by itself is not there yet; an error ends the wait.
	notYet func(ctx context.Context, tries int) error
	// again says whether to send an answered request once more, which must change nothing.
	again func() bool

	contact, estimate, order, invoice string
	total                             int64
}

func (l *life) email() string { return fmt.Sprintf("client%d@example.com", l.n) }

// post does one deed, and now and then does it twice. It answers what the product said, with its id kept.
func (l *life) post(ctx context.Context, path string, body any) (map[string]any, error) {
	return l.deed(ctx, drive.Call{Path: path, Body: body, Key: fmt.Sprintf("life%d %s", l.n, path)})
}

func (l *life) deed(ctx context.Context, c drive.Call) (map[string]any, error) {
	c.Method = http.MethodPost
	var first map[string]any
	if _, err := l.Do(ctx, c, &first); err != nil {
		return nil, err
	}
	l.kept.answered()
	if !l.again() {
		return first, nil
	}
	var second map[string]any
	if _, err := l.Do(ctx, c, &second); err != nil {
		return nil, fmt.Errorf("repeated: %w", err)
	}
	for _, name := range []string{"id", "number", "orderId", "invoiceId", "url"} {
		if first[name] != second[name] && first[name] != nil {
			l.kept.complain("%s %s: %s was %v, and %v when repeated", c.Method, c.Path, name, first[name], second[name])
		}
	}
	return second, nil
}

func text(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

func number(m map[string]any, name string) int64 {
	var n int64
	fmt.Sscan(fmt.Sprint(m[name]), &n)
	return n
}

// steps counts the answered deeds of a life, at least; kills are spread over them.
func (w way) steps() int { return 9 + 2*w.cards() + (w.payments() - w.cards()) }

// live goes the whole way.
func (l *life) live(ctx context.Context) error {
	for _, step := range []func(context.Context) error{l.meet, l.offer, l.accept, l.bill, l.settle} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("life %d: %w", l.n, err)
		}
	}
	return nil
}

func (l *life) meet(ctx context.Context) error {
	c, err := l.post(ctx, "/v1/contacts", map[string]any{
		"kind": "person", "name": fmt.Sprintf("Client %d", l.n), "emails": []map[string]string{{"address": l.email(), "use": "own"}},
	})
	if err != nil {
		return err
	}
	l.contact = text(c, "id")
	l.kept.keep("/v1/contacts/"+l.contact, c, "id", "name", "kind", "createdAt")
	return nil
}

// price makes each life's total its own, so that money in the wrong place shows.
func (l *life) price() string { return fmt.Sprintf("%d.%02d", 100+l.n, 7*l.n%100) }

func (l *life) offer(ctx context.Context) error {
	e, err := l.post(ctx, "/v1/estimates", map[string]any{
		"contactId": l.contact, "currency": "EUR",
		"lines": []map[string]any{{"name": "Design", "quantity": "2", "unitPrice": l.price(), "tax": map[string]string{"category": "S", "rate": "19"}}},
	})
	if err != nil {
		return err
	}
	l.estimate, l.total = text(e, "id"), number(e, "total")
	l.kept.keep("/v1/estimates/"+l.estimate, e, "id", "contactId", "total", "currency", "createdAt")
	if e, err = l.post(ctx, "/v1/estimates/"+l.estimate+"/send", nil); err != nil {
		return err
	}
	l.kept.keep("/v1/estimates/"+l.estimate, e, "number", "total", "validUntil", "sentAt")
	return nil
}

func (l *life) accept(ctx context.Context) error {
	token, err := l.token(ctx, "/e/#")
	if err != nil {
		return err
	}
	if _, err := l.public(ctx, token, "view", nil); err != nil {
		return err
	}
	if _, err := l.public(ctx, token, "accept", map[string]string{"name": fmt.Sprintf("Client %d", l.n)}); err != nil {
		return err
	}
	made, err := l.post(ctx, "/v1/estimates/"+l.estimate+"/convert", nil)
	if err != nil {
		return err
	}
	l.order, l.invoice = text(made, "orderId"), text(made, "invoiceId")
	return nil
}

func (l *life) bill(ctx context.Context) error {
	for _, deed := range []string{"issue", "send"} {
		i, err := l.post(ctx, "/v1/invoices/"+l.invoice+"/"+deed, nil)
		if err != nil {
			return err
		}
		l.kept.keep("/v1/invoices/"+l.invoice, i, "id", "number", "contactId", "orderId", "total", "currency", "issuedOn", "dueOn", "sentAt")
	}
	return nil
}

// settle pays the invoice in the life's way, and waits until the product knows.
func (l *life) settle(ctx context.Context) error {
	token, err := l.token(ctx, "/i/#")
	if err != nil {
		return err
	}
	if _, err := l.public(ctx, token, "view", nil); err != nil {
		return err
	}
	part := l.total / 3
	outcome := "success"
	switch l.way {
	case refused:
		outcome = "decline_then_success"
	case parts:
		if err := l.card(ctx, token, part, "success"); err != nil {
			return err
		}
		if err := l.arrived(ctx, l.total-part, 1); err != nil {
			return err
		}
	case mixed:
		p, err := l.post(ctx, "/v1/invoices/"+l.invoice+"/payments", map[string]any{"amount": part, "method": "transfer", "receivedOn": firstDay})
		if err != nil {
			return err
		}
		l.kept.keep("/v1/payments/"+text(p, "id"), p, "id", "contactId", "amount", "currency", "method", "receivedOn", "status", "succeededAt")
		if err := l.arrived(ctx, l.total-part, 1); err != nil {
			return err
		}
	}
	if err := l.card(ctx, token, 0, outcome); err != nil {
		return err
	}
	if err := l.arrived(ctx, 0, l.way.payments()); err != nil {
		return err
	}
	return l.look(ctx)
}

// card pays on the hosted page.
func (l *life) card(ctx context.Context, token string, amount int64, outcome string) error {
	body := map[string]any{}
	if amount > 0 {
		body["amount"] = amount
	}
	page, err := l.public(ctx, token, "checkout", body)
	if err != nil {
		return err
	}
	var paid map[string]any
	err = l.Control(ctx, "stripe/pay", map[string]any{"url": page["url"], "outcome": outcome}, &paid)
	if drive.StatusOf(err) == http.StatusConflict && strings.Contains(err.Error(), "paid already") {
		err = nil // the answer to the first try was lost
	}
	if err != nil {
		return err
	}
	l.kept.answered()
	if intent := text(paid, "paymentIntent"); intent != "" {
		l.kept.intent(intent)
	}
	return nil
}

// token waits for the letter with the link, and answers what stands behind its #.
func (l *life) token(ctx context.Context, form string) (token string, err error) {
	err = l.wait(ctx, "the letter with "+form, func(ctx context.Context) (bool, error) {
		mails, err := mailsTo(ctx, l.Client, l.email())
		if err != nil {
			return false, err
		}
		for _, m := range mails {
			for _, link := range m.Links {
				if _, t, ok := strings.Cut(link, form); ok {
					token = t
					return true, nil
				}
			}
		}
		return false, nil
	})
	return token, err
}

// public does a deed of the client's on the document of a link, which is opened for each deed.
func (l *life) public(ctx context.Context, token, deed string, body any) (map[string]any, error) {
	for tries := 1; ; tries++ {
		var opened struct{ Ref, Kind string }
		open := drive.Call{Method: http.MethodPost, Path: "/v1/public/open", Public: true, Body: map[string]string{"token": token}}
		if _, err := l.Do(ctx, open, &opened); err != nil {
			return nil, err
		}
		key := fmt.Sprintf("life%d %s %s %v", l.n, opened.Kind, deed, body)
		out, err := l.deed(ctx, drive.Call{Path: "/v1/public/documents/" + opened.Ref + "/" + deed, Public: true, Body: body, Key: key})
		// Others may have moved the clock beyond the half hour of a reference meanwhile; then it is opened anew.
		if drive.StatusOf(err) != http.StatusNotFound || tries == 5 {
			return out, err
		}
	}
}

// arrived waits until just due is left to pay, and the client has so many receipts.
func (l *life) arrived(ctx context.Context, due int64, receipts int) error {
	err := l.wait(ctx, fmt.Sprintf("a due amount of %d", due), func(ctx context.Context) (bool, error) {
		var i struct{ Due int64 }
		err := l.Get(ctx, "/v1/invoices/"+l.invoice, &i)
		return i.Due == due, err
	})
	if err != nil {
		return err
	}
	return l.wait(ctx, fmt.Sprintf("receipt %d", receipts), func(ctx context.Context) (bool, error) {
		mails, err := mailsTo(ctx, l.Client, l.email())
		n := 0
		for _, m := range mails {
			if strings.HasPrefix(m.Subject, "Payment received") {
				n++
			}
		}
		return n >= receipts, err
	})
}

// look keeps what the invoice says in the end, with its PDF.
func (l *life) look(ctx context.Context) error {
	return l.wait(ctx, "the PDF", func(ctx context.Context) (bool, error) {
		var i map[string]any
		if err := l.Get(ctx, "/v1/invoices/"+l.invoice, &i); err != nil {
			return false, err
		}
		l.kept.keep("/v1/invoices/"+l.invoice, i, "status", "paid", "due", "paidAt", "pdf")
		return i["pdf"] != nil, nil
	})
}

func (l *life) wait(ctx context.Context, what string, there func(context.Context) (bool, error)) error {
	for tries := 1; ; tries++ {
		ok, err := there(ctx)
		if err != nil || ok {
			return err
		}
		if err := l.notYet(ctx, tries); err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
	}
}

// mail is what the mailbox tells of a letter.
type mail struct {
	ID, To, Subject, Text, HTML, At string
	Links                           []string
	Tags                            map[string]string
}

func mailsTo(ctx context.Context, c *drive.Client, to string) ([]mail, error) {
	var got struct{ Items []mail }
	path := "/_local/mail"
	if to != "" {
		path += "?to=" + url.QueryEscape(to)
	}
	err := c.Get(ctx, path, &got)
	return got.Items, err
}

// firstDay is where the clock of every run begins.
const firstDay = "2026-01-05"

var errTooLong = errors.New("it does not come")

// pause is a short moment of the machine's, before looking again.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}

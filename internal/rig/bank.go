package rig

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"onebook/internal/fault"
	"onebook/internal/payment"
)

// Bank is a payment provider that works: customers, pages that run out, intents, events, idempotency keys that hold their
// first answer for a day and refuse another request. It is in memory and moves by the rig's clock.
type Bank struct {
	Now  func() time.Time
	Live bool
	// Fail, when set, is asked at each call with its name. before: nothing happens and the error is answered; after: it
	// happens, and the error is answered nevertheless, which is a lost answer.
	Fail func(call string) (before, after error)
	// Takes, when set, are the only methods that the account takes.
	Takes []string

	mu        sync.Mutex
	n         int
	calls     map[string]int
	customers map[string]payment.Customer
	sessions  []*payment.Session
	intents   map[string]*payment.Intent
	events    []payment.Event
	keys      map[string]kept
	methods   map[string][]string // that each page offers
}

type kept struct {
	request any
	answer  string
	until   time.Time
}

// ErrLost is an answer that did not come.
var ErrLost = fault.Busy.Errorf("the payment provider did not answer in time")

// errReused is the answer to a key that was used for another request: refused for good.
var errReused = errors.New("bank: the idempotency key was used for another request")

func (b *Bank) call(name string) (after, before error) {
	if b.calls == nil {
		b.calls = map[string]int{}
	}
	b.calls[name]++
	if b.Fail == nil {
		return nil, nil
	}
	before, after = b.Fail(name)
	return after, before
}

// Calls answers how often a call was made.
func (b *Bank) Calls(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[name]
}

func (b *Bank) id(prefix string) string {
	b.n++
	return prefix + "_" + strconv.Itoa(b.n)
}

// key answers what a key answered before.
func (b *Bank) key(key string, request any) (string, bool, error) {
	k, ok := b.keys[key]
	if !ok || !b.Now().Before(k.until) {
		return "", false, nil
	}
	if !reflect.DeepEqual(k.request, request) {
		return "", false, errReused
	}
	return k.answer, true, nil
}

func (b *Bank) keep(key string, request any, answer string) {
	if b.keys == nil {
		b.keys = map[string]kept{}
	}
	b.keys[key] = kept{request, answer, b.Now().Add(24 * time.Hour)}
}

func (b *Bank) happen(kind, object, id, intent string) {
	b.events = append(b.events, payment.Event{
		ID: b.id("evt"), Type: kind, ObjectType: object, ObjectID: id, Intent: intent, Live: b.Live, Created: b.Now().UTC().Truncate(time.Second),
		APIVersion: "2023-10-16",
	})
}

// Payable implements payment.Provider: this one takes every amount.
func (b *Bank) Payable(int64, string) error { return nil }

// NewCustomer implements payment.Provider.
func (b *Bank) NewCustomer(_ context.Context, key string, c payment.Customer) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	after, before := b.call("NewCustomer")
	if before != nil {
		return "", before
	}
	id, known, err := b.key(key, c)
	if err != nil {
		return "", err
	}
	if !known {
		id = b.id("cus")
		if b.customers == nil {
			b.customers = map[string]payment.Customer{}
		}
		b.customers[id] = c
		b.keep(key, c, id)
	}
	if after != nil {
		return "", after
	}
	return id, nil
}

// NewSession implements payment.Provider.
func (b *Bank) NewSession(_ context.Context, key string, r payment.SessionRequest) (payment.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	after, before := b.call("NewSession")
	if before != nil {
		return payment.Session{}, before
	}
	if _, ok := b.customers[r.Customer]; !ok {
		return payment.Session{}, fmt.Errorf("bank: no customer %q", r.Customer)
	}
	id, known, err := b.key(key, r)
	if err != nil {
		return payment.Session{}, err
	}
	for _, m := range r.Methods {
		if b.Takes != nil && !slices.Contains(b.Takes, m) {
			return payment.Session{}, payment.ErrMethod
		}
	}
	if !known {
		if d := r.ExpiresAt.Sub(b.Now()); d < 30*time.Minute || d > 24*time.Hour {
			return payment.Session{}, fmt.Errorf("bank: a page is open between half an hour and a day, not %s", d)
		}
		id = b.id("cs")
		b.sessions = append(b.sessions, &payment.Session{
			ID: id, URL: "https://bank.example/pay/" + id, Status: "open", Paid: "unpaid", Customer: r.Customer, Reference: r.Reference,
			Amount: r.Amount, Currency: r.Currency, Live: b.Live, Metadata: r.Metadata, Created: b.Now().UTC().Truncate(time.Second), ExpiresAt: r.ExpiresAt,
		})
		if b.methods == nil {
			b.methods = map[string][]string{}
		}
		b.methods[id] = r.Methods
		b.keep(key, r, id)
	}
	if after != nil {
		return payment.Session{}, after
	}
	return *b.session(id), nil
}

// session answers a page as it is now: pages whose time has come have run out.
func (b *Bank) session(id string) *payment.Session {
	for _, s := range b.sessions {
		if s.ID != id {
			continue
		}
		if s.Status == "open" && !b.Now().Before(s.ExpiresAt) {
			b.expire(s)
		}
		return s
	}
	return nil
}

func (b *Bank) expire(s *payment.Session) {
	s.Status = "expired"
	b.happen("checkout.session.expired", "checkout.session", s.ID, "")
}

// Session implements payment.Provider.
func (b *Bank) Session(_ context.Context, id string) (payment.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, before := b.call("Session"); before != nil {
		return payment.Session{}, before
	}
	s := b.session(id)
	if s == nil {
		return payment.Session{}, fault.NotFound.Errorf("the payment provider knows no such object")
	}
	return *s, nil
}

// Sessions implements payment.Provider.
func (b *Bank) Sessions(_ context.Context, customer string, since time.Time) ([]payment.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, before := b.call("Sessions"); before != nil {
		return nil, before
	}
	var out []payment.Session
	for n := len(b.sessions) - 1; n >= 0; n-- {
		if s := b.session(b.sessions[n].ID); s.Customer == customer && !s.Created.Before(since) {
			out = append(out, *s)
		}
	}
	return out, nil
}

// ExpireSession implements payment.Provider.
func (b *Bank) ExpireSession(_ context.Context, id string) (payment.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	after, before := b.call("ExpireSession")
	if before != nil {
		return payment.Session{}, before
	}
	s := b.session(id)
	if s == nil {
		return payment.Session{}, fault.NotFound.Errorf("the payment provider knows no such object")
	}
	if s.Status == "open" {
		b.expire(s)
	}
	return *s, after
}

// Intent implements payment.Provider.
func (b *Bank) Intent(_ context.Context, id string) (payment.Intent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, before := b.call("Intent"); before != nil {
		return payment.Intent{}, before
	}
	in := b.intents[id]
	if in == nil {
		return payment.Intent{}, fault.NotFound.Errorf("the payment provider knows no such object")
	}
	return *in, nil
}

// Events implements payment.Provider.
func (b *Bank) Events(_ context.Context, since time.Time) ([]payment.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, before := b.call("Events"); before != nil {
		return nil, before
	}
	for _, s := range b.sessions {
		b.session(s.ID)
	}
	var out []payment.Event
	for _, e := range b.events {
		if !e.Created.Before(since.Truncate(time.Second)) {
			out = append(out, e)
		}
	}
	return out, nil
}

// What a client does on a page.
const (
	Succeed = "success"
	Decline = "decline"
	Process = "processing"
)

// Pay does on the page at url, or with this id, what a client does. It answers the intent, empty when the page is closed.
func (b *Bank) Pay(url, outcome string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s *payment.Session
	for _, x := range b.sessions {
		if x.ID == url || x.URL == url {
			s = b.session(x.ID)
		}
	}
	if s == nil || s.Status != "open" {
		return ""
	}
	if b.intents == nil {
		b.intents = map[string]*payment.Intent{}
	}
	if s.Intent == "" {
		s.Intent = b.id("pi")
		b.intents[s.Intent] = &payment.Intent{
			ID: s.Intent, Status: "requires_payment_method", Amount: s.Amount, Currency: s.Currency, Live: s.Live, Metadata: s.Metadata,
			Created: b.Now().UTC().Truncate(time.Second),
		}
		b.happen("payment_intent.created", "payment_intent", s.Intent, s.Intent)
	}
	in := b.intents[s.Intent]
	switch outcome {
	case Decline:
		in.Decline = &payment.Decline{Code: "card_declined", Message: "Your card was declined."}
		b.happen("charge.failed", "charge", b.id("ch"), in.ID)
		b.happen("payment_intent.payment_failed", "payment_intent", in.ID, in.ID)
	case Process:
		// Only a debit takes days; the page's, or any when it offers none.
		if in.Method = payment.BySEPA; slices.Contains(b.methods[s.ID], payment.ByACH) {
			in.Method = payment.ByACH
		}
		in.Status, s.Status, in.Decline = "processing", "complete", nil
		b.happen("payment_intent.processing", "payment_intent", in.ID, in.ID)
		b.happen("checkout.session.completed", "checkout.session", s.ID, in.ID)
	case Succeed:
		b.success(in)
		s.Status, s.Paid = "complete", "paid"
		b.happen("checkout.session.completed", "checkout.session", s.ID, in.ID)
	}
	return in.ID
}

func (b *Bank) success(in *payment.Intent) {
	if in.Status != "processing" {
		in.Method = payment.ByCard
	}
	in.Status, in.Received, in.Decline = "succeeded", in.Amount, nil
	b.happen("charge.succeeded", "charge", b.id("ch"), in.ID)
	b.happen("payment_intent.succeeded", "payment_intent", in.ID, in.ID)
}

// End decides an intent that was processing, or that nobody expects anything of any more.
func (b *Bank) End(intent string, success bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := b.intents[intent]
	for _, s := range b.sessions {
		if s.Intent != intent {
			continue
		}
		if success {
			b.success(in)
			s.Paid = "paid"
			b.happen("checkout.session.async_payment_succeeded", "checkout.session", s.ID, in.ID)
			return
		}
		in.Status, in.Decline = "requires_payment_method", &payment.Decline{Code: "insufficient_funds", Message: "There was not enough money."}
		b.happen("payment_intent.payment_failed", "payment_intent", in.ID, in.ID)
		b.happen("checkout.session.async_payment_failed", "checkout.session", s.ID, in.ID)
	}
}

// Happen makes an event of something that the bank knows nothing further about.
func (b *Bank) Happen(kind, object, id string) payment.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.happen(kind, object, id, "")
	return b.events[len(b.events)-1]
}

// Alter changes an intent and its page as no client can.
func (b *Bank) Alter(intent string, change func(in *payment.Intent, s *payment.Session)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sessions {
		if s.Intent == intent {
			change(b.intents[intent], s)
		}
	}
}

// Told answers all events, oldest first.
func (b *Bank) Told() []payment.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]payment.Event(nil), b.events...)
}

// Offers answers the methods that a page offers.
func (b *Bank) Offers(session string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.methods[session]
}

// Pages answers all pages, oldest first.
func (b *Bank) Pages() []payment.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []payment.Session
	for _, s := range b.sessions {
		out = append(out, *b.session(s.ID))
	}
	return out
}

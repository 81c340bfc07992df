package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/approval"
	"onebook/internal/billing"
	"onebook/internal/catalog"
	"onebook/internal/checkout"
	"onebook/internal/contact"
	"onebook/internal/deal"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/inquiry"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/phone"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
	"onebook/internal/task"
)

// house is all doors with the real services behind them, on the embedded table. Its role is who asks; every answer is
// held against the document.
type house struct {
	*site
	clock    *storetest.Clock
	table    *store.Embedded
	links    *link.Service
	checkout *checkout.Service
	bank     *bank
	pdfs     *shelf
	denied   []string
}

// withClients shows contacts to documents, as the wiring of the product does.
type withClients struct{ contacts *contact.Service }

func (c withClients) Client(ctx context.Context, contactID string) (sale.Client, error) {
	who, err := c.contacts.Get(ctx, contactID)
	if err != nil {
		return sale.Client{}, err
	}
	out := sale.Client{ContactID: who.ID, Locale: who.Locale, Archived: !who.ArchivedAt.IsZero()}
	for _, r := range who.Recipients() {
		if r.Email != "" {
			out.All = append(out.All, sale.Addressee{Name: r.Name, Email: r.Email})
		}
	}
	if len(out.All) > 0 {
		out.To = out.All[0]
	}
	out.Decides = out.To
	out.Party = sale.Party{Name: who.Name, Company: who.Company, Address: who.Address.Lines(), TaxID: who.TaxID, Email: out.To.Email}
	return out, nil
}

// move builds a house that has one member of each role.
func move(t *testing.T) *house {
	t.Helper()
	h := &house{clock: &storetest.Clock{}, bank: &bank{sessions: map[string]payment.Session{}}, pdfs: &shelf{}}
	h.table = storetest.Embedded(t, h.clock.Now)
	ids := id.Source{Now: h.clock.Now, Entropy: rand.Reader}
	recs := &activity.Records{Table: h.table, Now: h.clock.Now, Entropy: rand.Reader}
	orgs := &org.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now}
	orgs.StageInUse = func(ctx context.Context, stage string) (bool, error) { return deal.InStage(ctx, h.table, stage) }
	members := &member.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now}
	contacts := &contact.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now, Org: orgs.Get, Phones: phone.Plans{}}
	tasks := &task.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now, Org: orgs, Members: members,
		Outcome: func(ctx context.Context, subject string) (task.Outcome, string, error) {
			i, err := invoice.Get(ctx, h.table, subject)
			o, because := billing.Outcome(i)
			return o, because, err
		}}
	cat := &catalog.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now}
	maker, who := &sale.Maker{Catalog: cat, Org: orgs}, withClients{contacts}
	h.links = &link.Service{Table: h.table, IDs: ids, Entropy: rand.Reader, Now: h.clock.Now, Base: "https://site.example",
		Keys: func(context.Context) ([]link.Key, error) {
			return []link.Key{{Version: 1, Secret: []byte(strings.Repeat("k", 32))}}, nil
		}}
	sell := &selling.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now, Maker: maker, Org: orgs, Members: members, Clients: who, Links: h.links}
	bill := &billing.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now, Maker: maker, Org: orgs, Clients: who, Links: h.links}
	second := &approval.Desk{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now, Members: members, Org: orgs}
	bill.Second, second.Kinds = second, bill.Decisions()
	h.checkout = &checkout.Service{Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now, Org: orgs, Clients: who, Provider: h.bank, Base: "https://site.example"}
	desk := &issue.Desk{Table: h.table, Records: recs, Now: h.clock.Now, May: member.MaySettle}

	h.site = &site{t: t, role: "owner", shop: &shop{}}
	log := slog.New(slog.NewJSONHandler(&h.log, nil))
	a := &API{
		Machine: h.clock.Now,
		Issuer:  "https://issuer.example/pool", Clients: []string{"app", "cli"}, Members: members, Links: h.links, Log: log,
		Once: func(ctx context.Context, key string) (activity.OnceRecord, bool, error) {
			return activity.FindOnce(ctx, h.table, h.clock.Now(), key)
		},
		Denied: func(_ context.Context, by activity.By, route string) { h.denied = append(h.denied, by.Role+" "+route) },
	}
	a.Add(
		Contacts{Table: h.table, Records: recs, Org: orgs, Contacts: contacts}.Door(),
		Desk{Table: h.table, Records: recs, Org: orgs, Contacts: contacts, Tasks: tasks, Now: h.clock.Now, Inquiries: &inquiry.Service{
			Table: h.table, Records: recs, IDs: ids, Now: h.clock.Now, Org: orgs, Members: members, Contacts: contacts, Tasks: tasks,
		}}.Door(),
		Sales{Table: h.table, Records: recs, Org: orgs, Catalog: cat, Selling: sell, Billing: bill}.Door(),
		Invoices{Table: h.table, Records: recs, Org: orgs, Billing: bill, Checkout: h.checkout, PDFs: h.pdfs}.Door(),
		Settings{Table: h.table, Records: recs, Org: orgs, Members: members, Desk: desk, Second: second, Now: h.clock.Now,
			Letters: &letter.Desk{Table: h.table, Issues: desk, Clients: who, IDs: ids, Now: h.clock.Now}}.Door(),
		Portal{Table: h.table, Org: orgs, Links: h.links, Selling: sell, Billing: bill, Checkout: h.checkout, PDFs: h.pdfs, Log: log}.Door(),
		Manual(),
	)
	h.serve, h.doc = Handler(a), describe(Doors())
	for _, role := range member.Roles {
		in := member.Input{Name: "The " + string(role), Email: string(role) + "@studio.example", Role: role}
		if _, err := members.Admit(context.Background(), member.Automaton(member.Setup), in, "sub-"+string(role)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// call is a request a second after the one before.
func (h *house) call(method, path, body string, header ...string) reply {
	h.t.Helper()
	h.clock.Move(time.Second)
	return h.site.call(method, "/v1"+path, body, header...)
}

// as asks in another role; "" is a client without an account.
func (h *house) as(role string) *house {
	s := *h.site
	s.role = role
	other := *h
	other.site = &s
	return &other
}

// made is the id in a reply of a creation.
func (h *house) made(path, body string, header ...string) string {
	h.t.Helper()
	return h.call("POST", path, body, header...).want(h.t, 201, "").text("id")
}

// etag is the tag of a thing as it is now.
func (h *house) etag(path string) string {
	h.t.Helper()
	return h.call("GET", path, "").want(h.t, 200, "").header.Get("ETag")
}

// ref opens the link of a document and answers the path of its public routes.
func (h *house) ref(documentID string) string {
	h.t.Helper()
	open := h.as("").call("POST", "/public/open", `{"token":"`+h.token(documentID)+`"}`).want(h.t, 200, "")
	return "/public/documents/" + open.text("ref")
}

func (h *house) token(documentID string) string {
	h.t.Helper()
	ctx := context.Background()
	linkID := ""
	if strings.HasPrefix(documentID, "es_") {
		e, err := estimate.Get(ctx, h.table, documentID)
		if err != nil {
			h.t.Fatal(err)
		}
		linkID = e.LinkID
	} else {
		i, err := invoice.Get(ctx, h.table, documentID)
		if err != nil {
			h.t.Fatal(err)
		}
		linkID = i.LinkID
	}
	token, err := h.links.Token(ctx, linkID)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// at answers the value at a path of names and indexes.
func (r reply) at(path ...any) any {
	var v any = r.json
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

func (r reply) text(path ...any) string { s, _ := r.at(path...).(string); return s }

func (r reply) number(path ...any) int64 { f, _ := r.at(path...).(float64); return int64(f) }

func (r reply) items() []any { l, _ := r.json["items"].([]any); return l }

// is demands values at names of the top level.
func (r reply) is(t *testing.T, want map[string]any) reply {
	t.Helper()
	for k, w := range want {
		if got := fmt.Sprint(r.json[k]); got != fmt.Sprint(w) {
			t.Errorf("%s is %s, want %v\n%s", k, got, w, r.body)
		}
	}
	return r
}

// shelf is where PDFs lie: none is there before it is put.
type shelf struct{ ready bool }

func (s *shelf) Link(_ context.Context, _ activity.By, documentID string) (string, time.Time, error) {
	if !s.ready {
		return "", time.Time{}, fault.Unready.Errorf("the PDF is being made; try again in a moment")
	}
	return "https://files.example/" + documentID, time.Date(2026, 1, 1, 0, 5, 0, 0, time.UTC), nil
}

// bank is a payment provider that keeps its word: the same key answers the same page.
type bank struct {
	mu       sync.Mutex
	sessions map[string]payment.Session
	paid     map[string]bool
	down     bool
	asked    int
}

func (b *bank) Payable(int64, string) error { return nil }

func (b *bank) NewCustomer(_ context.Context, key string, _ payment.Customer) (string, error) {
	return "cus_" + key, nil
}

func (b *bank) NewSession(_ context.Context, key string, r payment.SessionRequest) (payment.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.down {
		return payment.Session{}, fault.Busy.Errorf("the payment provider does not answer; try again in a moment")
	}
	sid := "cs_" + strings.TrimPrefix(key, "py_")
	if _, ok := b.sessions[sid]; !ok {
		b.sessions[sid] = payment.Session{
			ID: sid, URL: "https://pay.example/" + sid, Status: "open", Paid: "unpaid", Intent: "pi_" + sid, Customer: r.Customer,
			Reference: r.Reference, Amount: r.Amount, Currency: r.Currency, Metadata: r.Metadata, ExpiresAt: r.ExpiresAt,
		}
	}
	return b.sessions[sid], nil
}

func (b *bank) Session(_ context.Context, sid string) (payment.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	s, ok := b.sessions[sid]
	if !ok {
		return s, fault.NotFound.Errorf("no such session")
	}
	return s, nil
}

func (b *bank) Sessions(context.Context, string, time.Time) ([]payment.Session, error) {
	return nil, nil
}

func (b *bank) ExpireSession(ctx context.Context, sid string) (payment.Session, error) {
	return b.Session(ctx, sid)
}

func (b *bank) Intent(_ context.Context, intent string) (payment.Intent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.sessions[strings.TrimPrefix(intent, "pi_")]
	if !ok {
		return payment.Intent{}, fault.NotFound.Errorf("no such intent")
	}
	in := payment.Intent{ID: intent, Status: "requires_payment_method", Amount: s.Amount, Currency: s.Currency, Metadata: s.Metadata}
	if b.paid[s.ID] {
		in.Status, in.Received, in.Method = "succeeded", s.Amount, "card"
	}
	return in, nil
}

func (b *bank) Events(context.Context, time.Time) ([]payment.Event, error) { return nil, nil }

// pay is what a client does on the page.
func (b *bank) pay(sid string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[sid]
	s.Status, s.Paid = "complete", "paid"
	b.sessions[sid] = s
	if b.paid == nil {
		b.paid = map[string]bool{}
	}
	b.paid[sid] = true
}

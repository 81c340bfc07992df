package app_test

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onebook/internal/activity"
	"onebook/internal/checkout"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/payment"
	"onebook/internal/rig"
)

// bill is what the model knows of an invoice.
type bill struct {
	id, number string
	state      invoice.State
	total      int64
	paid       int64
	applied    int64 // of paid, from credit
	lost       int64 // written off, and not come in since
	sent       bool
}

// hand is a payment that was recorded by hand.
type hand struct {
	id           string
	bill         *bill
	part, credit int64
	recovered    int64
	gone         bool
}

// apply pays a bill from credit.
func (m *model) apply(b *bill, n int64) {
	m.credit -= n
	b.paid, b.applied = b.paid+n, b.applied+n
	b.stand()
}

func (b *bill) due() int64 {
	if b.state != invoice.Open {
		return 0
	}
	return b.total - b.paid - b.lost
}

// takes is what a payment may go to: what is due and what was written off.
func (b *bill) takes() int64 {
	if b.state != invoice.Open && b.state != invoice.Uncollectible {
		return 0
	}
	return b.due() + b.lost
}

// stand moves a bill to where its figures put it.
func (b *bill) stand() {
	switch rest := b.total - b.paid - b.lost; {
	case rest > 0:
		b.state = invoice.Open
	case b.lost > 0:
		b.state = invoice.Uncollectible
	default:
		b.state = invoice.Paid
	}
}

// take is money that arrives for a bill: what is due settles it, the rest is credit.
func (m *model) take(b *bill, amount int64) {
	part := min(amount, b.takes())
	if part > 0 {
		b.lost -= max(0, part-b.due())
		b.paid += part
		b.stand()
	}
	m.credit += amount - part
	m.cash += amount
}

// model is one contact's life, in a few plain figures.
type model struct {
	bills  []*bill
	pages  map[string]page // by payment
	hands  []*hand
	credit int64
	cash   int64
	issued int
	over   int // payments that were more than what was due
}

type page struct {
	bill   *bill
	amount int64
	intent string // that has paid
	debit  string // that is on its way
	known  bool   // its money was counted
}

// One contact's life, whatever is done in whatever order and however often: the balance is the sum of the postings, which is what
// is due on open invoices less the credit; numbers run from 1 without gaps; the chain verifies; nothing is counted twice.
func TestLifeAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rig.New(t)
		r.Organise()
		c := r.Contact("Ada Lovelace", "ada@client.example")
		m := &model{pages: map[string]page{}}
		pick := func(what string, of func(*bill) bool) *bill {
			var fit []*bill
			for _, b := range m.bills {
				if of(b) {
					fit = append(fit, b)
				}
			}
			if len(fit) == 0 {
				rt.Skip("no such invoice")
			}
			return rapid.SampledFrom(fit).Draw(rt, what)
		}
		any := func(*bill) bool { return true }
		refused := func(err error, kinds ...fault.Kind) {
			if !slices.Contains(kinds, fault.KindOf(err)) {
				rt.Fatalf("%v (%T) instead of one of %v", err, err, kinds)
			}
		}
		ok := func(err error) {
			if err != nil {
				rt.Fatalf("%v (%T)", err, err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"draft": func(rt *rapid.T) {
				cents := rapid.Int64Range(0, 30000).Draw(rt, "cents")
				i := r.Draft(c.ID, rig.Lines(fmt.Sprintf("%d.%02d", cents/100, cents%100)))
				net := cents
				tax := (net*19*2 + 100) / 200 // half away from zero
				if i.Body.Totals.Total != net+tax {
					rt.Fatalf("%d at 19 %% is %d", cents, i.Body.Totals.Total)
				}
				m.bills = append(m.bills, &bill{id: i.ID, state: invoice.Draft, total: net + tax})
			},
			"issue": func(rt *rapid.T) {
				b := pick("invoice", any)
				i, err := r.Billing.Issue(r.Ctx, rig.Owner, b.id)
				ok(err)
				if b.state == invoice.Draft {
					m.issued++
					b.number, b.state = i.Number, invoice.Open
					if b.total == 0 {
						b.state = invoice.Paid
					}
					if n := min(m.credit, b.due()); n > 0 {
						m.apply(b, n)
					}
				}
				if i.Number != b.number {
					rt.Fatalf("%s became %s", b.number, i.Number)
				}
			},
			"send": func(rt *rapid.T) {
				b := pick("invoice", func(b *bill) bool { return b.state != invoice.Draft })
				_, err := r.Billing.Send(r.Ctx, rig.Owner, b.id)
				if b.state == invoice.Void {
					refused(err, fault.Unready)
					return
				}
				ok(err)
				b.sent = true
			},
			"void": func(rt *rapid.T) {
				b := pick("invoice", any)
				_, err := r.Billing.Void(r.Ctx, rig.Owner, b.id, "wrong")
				switch {
				case b.state == invoice.Void:
					ok(err)
				case m.under(r, c.ID, b) > 0:
					refused(err, fault.Unready)
				case b.state != invoice.Draft && (b.state != invoice.Paid || b.applied > 0) && b.paid == b.applied && !b.sent:
					ok(err)
					m.credit += b.applied
					b.state, b.paid, b.applied, b.lost = invoice.Void, 0, 0, 0
				default:
					refused(err, fault.Unready)
				}
			},
			"by hand": func(rt *rapid.T) {
				b := pick("invoice", any)
				amount := rapid.OneOf(rapid.Int64Range(1, 40000), rapid.Just(max(b.due(), 1))).Draw(rt, "amount")
				p, err := r.Checkout.Manual(r.Ctx, rig.Owner, checkout.ManualInput{InvoiceID: b.id, Amount: amount, Method: payment.ByTransfer})
				if b.state == invoice.Draft || b.state == invoice.Void {
					refused(err, fault.Unready)
					return
				}
				ok(err)
				part := min(amount, b.takes())
				m.hands = append(m.hands, &hand{id: p.ID, bill: b, part: part, credit: amount - part, recovered: max(0, part-b.due())})
				m.take(b, amount)
			},
			"take a payment back": func(rt *rapid.T) {
				if len(m.hands) == 0 {
					rt.Skip("no payment by hand")
				}
				h := rapid.SampledFrom(m.hands).Draw(rt, "payment")
				_, err := r.Checkout.Void(r.Ctx, rig.Owner, h.id, "typo")
				if !h.gone && h.credit > m.credit {
					refused(err, fault.Unready)
					return
				}
				ok(err)
				if h.gone {
					return
				}
				h.gone = true
				m.cash -= h.part + h.credit
				m.credit -= h.credit
				h.bill.paid -= h.part
				h.bill.lost += h.recovered
				if h.part > 0 {
					h.bill.stand()
				}
			},
			"give up": func(rt *rapid.T) {
				b := pick("invoice", any)
				alone := rig.Owner
				alone.Fresh = true
				_, err := r.Billing.WriteOff(r.Ctx, alone, b.id, "bankrupt")
				switch {
				case b.state == invoice.Uncollectible:
					ok(err)
				case m.under(r, c.ID, b) > 0:
					refused(err, fault.Unready)
				case b.state == invoice.Open:
					ok(err)
					b.lost += b.due()
					b.state = invoice.Uncollectible
				default:
					refused(err, fault.Unready)
				}
			},
			"use credit": func(rt *rapid.T) {
				b := pick("invoice", any)
				_, err := r.Checkout.ApplyCredit(r.Ctx, rig.Owner, b.id, 0)
				n := min(m.credit, b.due())
				switch {
				case b.state == invoice.Paid:
					ok(err)
				case n == 0:
					refused(err, fault.Unready)
				default:
					ok(err)
					m.apply(b, n)
				}
			},
			"open a page": func(rt *rapid.T) {
				b := pick("invoice", any)
				var amount int64
				if b.due() > 0 && rapid.Bool().Draw(rt, "part") {
					amount = rapid.Int64Range(1, b.due()).Draw(rt, "amount")
				}
				if rapid.IntRange(0, 5).Draw(rt, "luck") == 0 {
					r.Bank.Fail = func(call string) (error, error) {
						if call == "NewSession" {
							return nil, rig.ErrLost
						}
						return nil, nil
					}
				}
				p, err := r.Checkout.Start(r.Ctx, rig.Owner, b.id, checkout.Ask{Amount: amount})
				r.Bank.Fail = nil
				switch {
				case b.due() == 0:
					refused(err, fault.Unready)
				case errors.Is(err, fault.Busy):
				case errors.Is(err, fault.Unready) && m.under(r, c.ID, b)+max(amount, 1) > b.due(): // what is on its way is not paid twice
				default:
					ok(err)
					if _, known := m.pages[p.PaymentID]; !known {
						if amount == 0 {
							amount = b.due() - m.under(r, c.ID, b)
						}
						m.pages[p.PaymentID] = page{bill: b, amount: amount}
					}
				}
			},
			"pay on a page": func(rt *rapid.T) {
				id := m.page(rt)
				p := r.GetPayment(id)
				x := m.pages[id]
				outcome := rapid.SampledFrom([]string{rig.Succeed, rig.Succeed, rig.Decline, rig.Process}).Draw(rt, "outcome")
				intent := r.Bank.Pay(p.Online.URL, outcome)
				if intent != "" && outcome == rig.Succeed {
					x.intent = intent
					m.pages[id] = x
				}
				if intent != "" && outcome == rig.Process {
					x.debit = intent
					m.pages[id] = x
				}
			},
			"a debit ends": func(rt *rapid.T) {
				id := m.page(rt)
				x := m.pages[id]
				if x.debit == "" {
					rt.Skip("nothing is on its way there")
				}
				if rapid.Bool().Draw(rt, "arrives") {
					x.intent, x.debit = x.debit, ""
					r.Bank.End(x.intent, true)
				} else {
					r.Bank.End(x.debit, false) // it may still arrive: then it is money
				}
				m.pages[id] = x
			},
			"hear of it": func(rt *rapid.T) {
				id := m.page(rt)
				x := m.pages[id]
				if x.intent == "" {
					rt.Skip("nothing was paid there")
				}
				ok(r.Checkout.Settle(r.Ctx, member.Automaton(member.Webhook), x.intent))
				m.hear(id)
			},
			"an old event": func(rt *rapid.T) {
				told := r.Bank.Told()
				if len(told) == 0 {
					rt.Skip("nothing was told")
				}
				ev := rapid.SampledFrom(told).Draw(rt, "event")
				if ev.Intent == "" {
					rt.Skip("no payment's")
				}
				for id, x := range m.pages {
					if x.intent == ev.Intent && ev.Type != "charge.succeeded" && ev.Type != "charge.failed" && ev.Type != "payment_intent.created" {
						defer m.hear(id)
					}
				}
				ok(r.Checkout.Hint(r.Ctx, member.Automaton(member.Webhook), ev))
			},
			"a minute": func(rt *rapid.T) {
				r.Clock.Move(time.Minute)
				r.Sweep()
				m.hearAll(r)
			},
			"a day": func(rt *rapid.T) {
				r.Clock.Move(25 * time.Hour)
				r.Sweep()
				m.hearAll(r)
			},
			"": func(rt *rapid.T) { m.check(rt, r, c.ID) },
		})
	})
}

// under is the money that the product knows to be on its way for a bill.
func (m *model) under(r *rig.Rig, contactID string, b *bill) (sum int64) {
	for _, p := range r.Payments(contactID) {
		if p.Paying(b.id) {
			sum += p.Amount
		}
	}
	return sum
}

func (m *model) page(rt *rapid.T) string {
	if len(m.pages) == 0 {
		rt.Skip("no page")
	}
	ids := make([]string, 0, len(m.pages))
	for id := range m.pages {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return rapid.SampledFrom(ids).Draw(rt, "page")
}

// hear counts the money of a page, once.
func (m *model) hear(id string) {
	x := m.pages[id]
	if x.known || x.intent == "" {
		return
	}
	x.known = true
	m.pages[id] = x
	if x.amount > x.bill.takes() {
		m.over++
	}
	m.take(x.bill, x.amount)
}

// hearAll counts what a sweep has heard of, in the order in which the product recorded it.
func (m *model) hearAll(r *rig.Rig) {
	var fresh []payment.Payment
	for id, x := range m.pages {
		if !x.known && x.intent != "" {
			if p := r.GetPayment(id); p.State == payment.Succeeded {
				fresh = append(fresh, p)
			}
		}
	}
	// What each took was decided one after the other: those that settled most of a bill came first.
	sort.Slice(fresh, func(a, b int) bool {
		if fresh[a].Credit != fresh[b].Credit {
			return fresh[a].Credit < fresh[b].Credit
		}
		return fresh[a].ID < fresh[b].ID
	})
	for _, p := range fresh {
		m.hear(p.ID)
	}
}

func (m *model) check(rt *rapid.T, r *rig.Rig, contactID string) {
	var due, lost, sum int64
	var numbers []string
	for _, b := range m.bills {
		i := r.GetInvoice(b.id)
		if i.State != b.state || i.Paid != b.paid || i.Due() != b.due() {
			rt.Fatalf("invoice %s is %s with %d paid and %d due, the model says %s, %d, %d", b.id, i.State, i.Paid, i.Due(), b.state, b.paid, b.due())
		}
		due += b.due()
		lost += b.lost
		if b.number != "" {
			numbers = append(numbers, b.number)
		}
	}
	accounts := map[activity.Account]int64{}
	for _, e := range r.Entries(contactID) {
		for _, p := range e.Postings {
			accounts[p.Account] += p.Amount
			sum += p.Amount
		}
	}
	b := r.Head(contactID, "EUR")
	if sum != 0 || b.Due != due || b.Credit != m.credit || accounts["receivable"] != due || accounts["customer-credit"] != -m.credit || accounts["write-off"] != lost ||
		accounts["bank"]+accounts["clearing:stripe"] != m.cash {
		rt.Fatalf("balance %+v, accounts %v, off by %d; the model says %d due, %d credit, %d cash", b, accounts, sum, due, m.credit, m.cash)
	}
	sort.Strings(numbers)
	if len(numbers) != m.issued {
		rt.Fatalf("%d numbers for %d issues", len(numbers), m.issued)
	}
	for n, number := range numbers {
		if want := fmt.Sprintf("2026-%04d", n+1); number != want {
			rt.Fatalf("number %s stands where %s should", number, want)
		}
	}
	over := 0
	for _, code := range r.Issues(issue.Open) {
		if code != checkout.DebitFailed {
			over++
		}
	}
	if over != m.over {
		rt.Fatalf("open issues %v; %d payments were over", r.Issues(issue.Open), m.over)
	}
	for _, b := range m.bills {
		i := r.GetInvoice(b.id)
		tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
		if err != nil {
			rt.Fatal(err)
		}
		if way := m.under(r, contactID, b) > 0; way != (len(tr.Paying) > 0) || b.state == invoice.Open && way != (i.Display(i.IssuedOn, tr) == "paying") {
			rt.Fatalf("invoice %s is shown as %s, and money on its way is %v", b.id, i.Display(i.IssuedOn, tr), way)
		}
	}
}

package checkout_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/activity"
	"onebook/internal/checkout"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/payment"
	"onebook/internal/rig"
)

func shop(t *testing.T) (*rig.Rig, string, invoice.Invoice) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada Lovelace", "ada@client.example")
	return r, c.ID, r.Invoice(c.ID, rig.Lines("100.00"))
}

// settled fails unless the invoice was paid by exactly one payment of 119.00 over the bank, the books agree and nobody is asked
// for anything.
func settled(t *testing.T, r *rig.Rig, contactID string, i invoice.Invoice) {
	t.Helper()
	if got := r.GetInvoice(i.ID); got.State != invoice.Paid || got.Paid != 11900 || got.Due() != 0 {
		t.Errorf("the invoice is %s with %d paid", got.State, got.Paid)
	}
	if d := cmp.Diff([]activity.Posting{rig.Post("clearing:stripe", 11900), rig.Post("receivable", -11900)}, ledger(r, contactID, "payment.succeeded")); d != "" {
		t.Errorf("money was booked %s", d)
	}
	if b := r.Head(contactID, "EUR"); b != (activity.Balance{}) {
		t.Errorf("the balance is %+v", b)
	}
	if got := r.Issues(issue.Open); len(got) != 0 {
		t.Errorf("open issues: %v", got)
	}
}

// A decline and then a success on one page are one payment, with the decline among its attempts.
func TestDeclineThenSuccess(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	r.Bank.Pay(page.URL, rig.Decline)
	for _, ev := range r.Bank.Told() {
		r.Webhook(ev)
		r.Webhook(ev) // told twice, noted once
	}
	p := r.GetPayment(page.PaymentID)
	if p.State != payment.Pending || len(p.Online.Attempts) != 1 || p.Online.Attempts[0].Code != "card_declined" {
		t.Fatalf("after a decline the payment is %s with %+v", p.State, p.Online.Attempts)
	}
	if again := r.Page(i, 0); again != page {
		t.Errorf("another page %+v was opened while %+v is open", again, page)
	}
	r.Bank.Pay(page.URL, rig.Succeed)
	for _, ev := range r.Bank.Told() {
		r.Webhook(ev)
	}
	ps := r.Payments(c)
	if len(ps) != 1 || ps[0].State != payment.Succeeded || len(ps[0].Online.Attempts) != 1 || ps[0].ReceivedOn != rig.Day("2026-01-05") {
		t.Errorf("payments: %+v", ps)
	}
	settled(t, r, c, i)
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("%d receipts", n)
	}
}

// Webhook, return page and puller in every order, each twice, end in one entry.
func TestEveryOrderOneEntry(t *testing.T) {
	for _, order := range []string{"wrp", "wpr", "rwp", "rpw", "pwr", "prw", "w", "r", "p"} {
		t.Run(order, func(t *testing.T) {
			r, c, i := shop(t)
			page := r.Page(i, 0)
			r.Bank.Pay(page.URL, rig.Succeed)
			told := r.Bank.Told()
			slices.Reverse(told) // nor does it matter what the provider tells first
			for _, who := range order + order {
				switch who {
				case 'w':
					for _, ev := range told {
						r.Webhook(ev)
					}
				case 'r':
					r.Return(r.Bank.Pages()[0].ID)
				case 'p':
					if err := r.Checkout.Pull(r.Ctx); err != nil {
						t.Fatal(err)
					}
				}
			}
			settled(t, r, c, i)
		})
	}
}

// Twenty at once, of all three kinds, record the money once, and none of them is told of an error.
func TestConcurrentOutcomes(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Succeed)
	session := r.Bank.Pages()[0].ID
	var wg sync.WaitGroup
	errs := make(chan error, 21)
	for n := range 21 {
		wg.Go(func() {
			switch n % 3 {
			case 0:
				errs <- r.Checkout.Settle(r.Ctx, member.Automaton(member.Webhook), intent)
			case 1:
				errs <- r.Checkout.SettleSession(r.Ctx, member.Automaton(member.Puller), session)
			case 2:
				errs <- r.Checkout.Pull(r.Ctx)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	settled(t, r, c, i)
}

// The outcome comes before our own note of the page: it is recorded, and the page finds that out.
func TestOutcomeBeforeOurOwnWrite(t *testing.T) {
	r, c, i := shop(t)
	r.Bank.Fail = func(call string) (error, error) {
		if call == "NewSession" {
			return nil, rig.ErrLost
		}
		return nil, nil
	}
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Busy) {
		t.Fatalf("a lost answer is told as %v", err)
	}
	r.Bank.Fail = nil
	r.Bank.Pay(r.Bank.Pages()[0].ID, rig.Succeed)
	for _, ev := range r.Bank.Told() {
		r.Webhook(ev)
	}
	settled(t, r, c, i)
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Unready) {
		t.Errorf("a paid invoice opens a page: %v", err)
	}
	r.Clock.Move(48 * time.Hour)
	r.Sweep()
	settled(t, r, c, i)
	if n := len(r.Bank.Pages()); n != 1 {
		t.Errorf("%d pages", n)
	}
}

// An answer that was lost after the provider had made the page is asked for again with the same key: one page.
func TestLostAnswerSameKey(t *testing.T) {
	for _, later := range []time.Duration{0, time.Hour, 22 * time.Hour} {
		t.Run(later.String(), func(t *testing.T) {
			r, c, i := shop(t)
			lost := true
			r.Bank.Fail = func(call string) (error, error) {
				if call == "NewSession" && lost {
					return nil, rig.ErrLost
				}
				return nil, nil
			}
			for range 3 {
				if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Busy) {
					t.Fatal(err)
				}
			}
			lost = false
			r.Clock.Move(later)
			page := r.Page(i, 0)
			if n := len(r.Bank.Pages()); n != 1 {
				t.Fatalf("%d pages for one attempt", n)
			}
			r.Bank.Pay(page.URL, rig.Succeed)
			r.Sweep()
			settled(t, r, c, i)
		})
	}
}

// The same, found out by the sweeper alone: the client never comes back.
func TestLostAnswerFoundBySweeper(t *testing.T) {
	r, c, i := shop(t)
	r.Bank.Fail = func(call string) (error, error) {
		if call == "NewSession" {
			return nil, rig.ErrLost
		}
		return nil, nil
	}
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Busy) {
		t.Fatal(err)
	}
	r.Bank.Fail = nil
	r.Clock.Move(2 * time.Minute)
	r.Sweep()
	ps := r.Payments(c)
	if len(ps) != 1 || ps[0].Online.Session == "" || len(r.Bank.Pages()) != 1 {
		t.Fatalf("payments %+v, pages %+v", ps, r.Bank.Pages())
	}
	if page := r.Page(i, 0); page.PaymentID != ps[0].ID || page.URL != r.Bank.Pages()[0].URL {
		t.Errorf("the client gets %+v", page)
	}
}

// An attempt too old to be repeated is looked for by customer and metadata: paid is found paid, and only when the complete list
// does not hold it, another page is opened.
func TestOldAttemptIsLookedUp(t *testing.T) {
	lose := func(r *rig.Rig, i invoice.Invoice, before, after error) {
		r.Bank.Fail = func(call string) (error, error) {
			if call == "NewSession" {
				return before, after
			}
			return nil, nil
		}
		_, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{})
		if !errors.Is(err, fault.Busy) {
			t.Fatal(err)
		}
		r.Bank.Fail = nil
	}
	t.Run("it was made and paid", func(t *testing.T) {
		r, c, i := shop(t)
		lose(r, i, nil, rig.ErrLost)
		r.Clock.Move(22 * time.Hour)
		r.Bank.Pay(r.Bank.Pages()[0].ID, rig.Succeed)
		r.Clock.Move(3 * time.Hour)
		_, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{})
		if !errors.Is(err, fault.Unready) {
			t.Errorf("the paid invoice opens a page: %v", err)
		}
		settled(t, r, c, i)
		if n := len(r.Bank.Pages()); n != 1 {
			t.Errorf("%d pages", n)
		}
	})
	t.Run("it was made and ran out", func(t *testing.T) {
		r, c, i := shop(t)
		lose(r, i, nil, rig.ErrLost)
		r.Clock.Move(25 * time.Hour)
		page := r.Page(i, 0)
		if len(r.Bank.Pages()) != 2 || r.Payments(c)[0].State != payment.Failed {
			t.Errorf("%d pages, the first attempt is %s", len(r.Bank.Pages()), r.Payments(c)[0].State)
		}
		r.Bank.Pay(page.URL, rig.Succeed)
		r.Sweep()
		settled(t, r, c, i)
	})
	t.Run("it never was", func(t *testing.T) {
		r, c, i := shop(t)
		lose(r, i, rig.ErrLost, nil)
		r.Clock.Move(25 * time.Hour)
		r.Sweep()
		if p := r.Payments(c)[0]; p.State != payment.Failed {
			t.Errorf("it is %s", p.State)
		}
		if n := len(r.Bank.Pages()); n != 0 {
			t.Errorf("the sweeper opened %d pages that nobody wants", n)
		}
	})
	t.Run("nobody knows", func(t *testing.T) {
		r, _, i := shop(t)
		lose(r, i, rig.ErrLost, nil)
		r.Clock.Move(25 * time.Hour)
		r.Bank.Fail = func(call string) (error, error) {
			if call == "Sessions" {
				return rig.ErrLost, nil
			}
			return nil, nil
		}
		_, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{})
		if !errors.Is(err, fault.Busy) || len(r.Bank.Pages()) != 0 {
			t.Errorf("without the list a page was opened: %v, %d pages", err, len(r.Bank.Pages()))
		}
	})
}

// A page's attempt repeated so late that the provider would not open it any more is no error that sticks to the client.
func TestRepeatJustBeforeTheEnd(t *testing.T) {
	r, c, i := shop(t)
	r.Bank.Fail = func(call string) (error, error) {
		if call == "NewSession" {
			return rig.ErrLost, nil
		}
		return nil, nil
	}
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Busy) {
		t.Fatal(err)
	}
	r.Bank.Fail = nil
	r.Clock.Move(22*time.Hour + 45*time.Minute)
	r.Bank.Pay(r.Page(i, 0).URL, rig.Succeed)
	r.Sweep()
	settled(t, r, c, i)
}

// What the provider says must agree with what was asked: else there is one open issue, and no money.
func TestMismatches(t *testing.T) {
	for _, x := range []struct {
		name string
		lie  func(in *payment.Intent, s *payment.Session)
	}{
		{"amount", func(in *payment.Intent, s *payment.Session) { in.Amount, in.Received, s.Amount = 11800, 11800, 11800 }},
		{"asked", func(in *payment.Intent, s *payment.Session) { in.Amount, s.Amount = 20000, 20000 }},
		{"received", func(in *payment.Intent, s *payment.Session) { in.Received, s.Amount = 11800, 11800 }},
		{"currency", func(in *payment.Intent, s *payment.Session) { in.Currency, s.Currency = "USD", "USD" }},
		{"mode", func(in *payment.Intent, s *payment.Session) { in.Live, s.Live = true, true }},
		{"no metadata", func(in *payment.Intent, s *payment.Session) { in.Metadata, s.Metadata = nil, nil }},
		{"another payment", func(in *payment.Intent, s *payment.Session) {
			m := map[string]string{"onebook_payment": "py_00000000000000000000" + strings.Repeat("0", 20)}
			in.Metadata, s.Metadata = m, m
		}},
		{"another invoice", func(in *payment.Intent, s *payment.Session) {
			m := map[string]string{"onebook_payment": in.Metadata["onebook_payment"], "onebook_invoice": "in_1"}
			in.Metadata, s.Metadata = m, m
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			r, c, i := shop(t)
			page := r.Page(i, 0)
			intent := r.Bank.Pay(page.URL, rig.Succeed)
			r.Bank.Alter(intent, x.lie)
			for range 2 {
				for _, ev := range r.Bank.Told() {
					r.Webhook(ev)
				}
				r.Return(r.Bank.Pages()[0].ID)
				r.Sweep()
			}
			if got := r.GetInvoice(i.ID); got.Paid != 0 || got.State != invoice.Open {
				t.Errorf("the invoice is %s with %d paid", got.State, got.Paid)
			}
			if b := r.Head(c, "EUR"); b.Due != 11900 || b.Credit != 0 {
				t.Errorf("the balance is %+v", b)
			}
			if d := cmp.Diff([]string{"unmatched_payment"}, r.Issues(issue.Open)); d != "" {
				t.Error(d)
			}
			ps, _, err := payment.OfContact(r.Ctx, r.Table, c, 10, "")
			if err != nil || len(ps) != 1 || ps[0].State != payment.Failed {
				t.Errorf("the payment whose page is over is still looked up: %+v %v", ps, err)
			}
		})
	}
}

// Events that are not understood are one open issue each; those that say nothing are none.
func TestUnknownEvents(t *testing.T) {
	r, c, i := shop(t)
	first := r.Bank.Happen("charge.refunded", "charge", "ch_1")
	for range 3 {
		r.Webhook(first)
	}
	if d := cmp.Diff([]string{"event_not_handled"}, r.Issues(issue.Open)); d != "" {
		t.Error(d)
	}
	all, _, err := r.Desk.List(r.Ctx, issue.Open, 10, "")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := r.Desk.Resolve(r.Ctx, rig.Owner, all[0].ID, issue.Decision{Reason: "booked by hand"}); err != nil {
		t.Fatal(err)
	}
	r.Webhook(first)
	if got := r.Issues(issue.Open); len(got) != 0 {
		t.Errorf("the same word opened it again: %v", got)
	}
	r.Webhook(r.Bank.Happen("charge.refunded", "charge", "ch_1")) // a second refund of the same charge
	if d := cmp.Diff([]string{"event_not_handled"}, r.Issues(issue.Open)); d != "" {
		t.Errorf("a second refund is not seen: %s", d)
	}
	for _, kind := range []string{"charge.succeeded", "customer.created", "payment_intent.created", "product.created", "balance.available"} {
		r.Webhook(r.Bank.Happen(kind, "thing", "th_"+kind))
	}
	if n := len(r.Issues(issue.Open)); n != 1 {
		t.Errorf("noise opened issues: %v", r.Issues(issue.Open))
	}
	ev := r.Bank.Happen("payment_intent.succeeded", "payment_intent", "pi_other")
	ev.Live = true
	r.Webhook(ev)
	r.Webhook(r.Bank.Happen("checkout.session.completed", "checkout.session", "cs_nobody"))
	if n := len(r.Issues(issue.Open)); n != 3 {
		t.Errorf("issues: %v", r.Issues(issue.Open))
	}
	_, _ = c, i
}

// Two pages of one invoice are both paid: the first settles it, the second is the client's credit and a person is told.
func TestTwoPagesBothPaid(t *testing.T) {
	r, c, i := shop(t)
	whole, part := r.Page(i, 0), r.Page(i, 5000)
	if whole.URL == part.URL {
		t.Fatal("two amounts share a page")
	}
	r.Bank.Pay(whole.URL, rig.Succeed)
	r.Bank.Pay(part.URL, rig.Succeed)
	for range 2 {
		for _, ev := range r.Bank.Told() {
			r.Webhook(ev)
		}
		r.Sweep()
	}
	if got := r.GetInvoice(i.ID); got.State != invoice.Paid || got.Paid != 11900 {
		t.Errorf("the invoice is %s with %d paid", got.State, got.Paid)
	}
	if b := r.Head(c, "EUR"); b.Due != 0 || b.Credit != 5000 {
		t.Errorf("the balance is %+v", b)
	}
	if d := cmp.Diff([]string{"overpaid"}, r.Issues(issue.Open)); d != "" {
		t.Error(d)
	}
}

// Once an invoice is paid otherwise, its open page is closed by the next sweep, before anybody pays twice on it.
func TestOtherPagesAreClosed(t *testing.T) {
	for _, how := range []string{"cash", "void", "card"} {
		t.Run(how, func(t *testing.T) {
			r, c, i := shop(t)
			page := r.Page(i, 0)
			switch how {
			case "cash":
				r.Cash(i.ID, 1)
			case "void":
				if _, err := r.Billing.Void(r.Ctx, rig.Owner, i.ID, "wrong"); err != nil {
					t.Fatal(err)
				}
			case "card":
				r.Bank.Pay(r.Page(i, 5000).URL, rig.Succeed)
			}
			r.Sweep()
			r.Sweep()
			if r.Bank.Pay(page.URL, rig.Succeed) != "" {
				t.Error("more than is due can still be paid")
			}
			for _, p := range r.Payments(c) {
				if p.ID == page.PaymentID && p.State != payment.Failed {
					t.Errorf("its payment is %s", p.State)
				}
			}
			if got := r.Issues(issue.Open); len(got) != 0 {
				t.Errorf("issues %v", got)
			}
		})
	}
}

// A page that ran out is a failed payment; the same intent succeeding later is still money.
func TestExpiredThenSuccess(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Decline)
	r.Clock.Move(24 * time.Hour)
	r.Sweep()
	if p := r.GetPayment(page.PaymentID); p.State != payment.Failed {
		t.Fatalf("the payment is %s after its page ran out", p.State)
	}
	if got := r.GetInvoice(i.ID); got.Due() != 11900 {
		t.Errorf("%d is due", got.Due())
	}
	r.Bank.End(intent, true)
	r.Webhook(r.Bank.Told()[len(r.Bank.Told())-2])
	settled(t, r, c, i)
	if p := r.GetPayment(page.PaymentID); p.State != payment.Succeeded {
		t.Errorf("the payment is %s", p.State)
	}
	for _, ev := range r.Bank.Told() { // late words of the past change nothing
		r.Webhook(ev)
	}
	settled(t, r, c, i)
}

// Money for an invoice that was voided meanwhile is the client's credit, and a person is told.
func TestVoidInvoicePaidLate(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, i.ID, "made twice"); err != nil {
		t.Fatal(err)
	}
	r.Bank.Pay(page.URL, rig.Succeed)
	for _, ev := range r.Bank.Told() {
		r.Webhook(ev)
	}
	if got := r.GetInvoice(i.ID); got.State != invoice.Void || got.Paid != 0 {
		t.Errorf("the invoice is %s with %d paid", got.State, got.Paid)
	}
	if b := r.Head(c, "EUR"); b.Due != 0 || b.Credit != 11900 {
		t.Errorf("the balance is %+v", b)
	}
	if d := cmp.Diff([]string{"overpaid"}, r.Issues(issue.Open)); d != "" {
		t.Error(d)
	}
}

// One payment's page made twice (its key forgotten by the provider) and both paid is twice money, not money lost.
func TestSameAttemptPaidTwice(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	first := r.Bank.Pay(page.URL, rig.Succeed)
	p := r.GetPayment(page.PaymentID)
	twin, err := r.Bank.NewSession(r.Ctx, "another key", payment.SessionRequest{
		Customer: r.Bank.Pages()[0].Customer, Amount: 11900, Currency: "EUR", Metadata: r.Bank.Pages()[0].Metadata, ExpiresAt: r.Clock.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	second := r.Bank.Pay(twin.ID, rig.Succeed)
	for range 3 {
		for _, ev := range r.Bank.Told() {
			r.Webhook(ev)
		}
	}
	ps := r.Payments(c)
	if len(ps) != 2 {
		t.Fatalf("payments %+v", ps)
	}
	for _, x := range ps {
		if (x.ID == p.ID) != (x.Online.Intent == first) || (x.ID != p.ID) != (x.Online.Intent == second) || x.State != payment.Succeeded {
			t.Errorf("payment %+v of %+v", x, x.Online)
		}
	}
	if b := r.Head(c, "EUR"); b.Due != 0 || b.Credit != 11900 {
		t.Errorf("the balance is %+v", b)
	}
	if d := cmp.Diff([]string{"overpaid"}, r.Issues(issue.Open)); d != "" {
		t.Error(d)
	}
}

// A debit on its way lets nobody pay again; when it fails, the client may.
func TestProcessing(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Process)
	r.Sweep()
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Unready) {
		t.Errorf("while money is on its way another page opens: %v", err)
	}
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, i.ID, "no"); !errors.Is(err, fault.Unready) {
		t.Errorf("an invoice with money on its way was voided: %v", err)
	}
	r.Bank.End(intent, false)
	r.Clock.Move(time.Minute)
	r.Sweep()
	if p := r.GetPayment(page.PaymentID); p.State != payment.Failed || p.Online.Paying || len(p.Online.Attempts) != 1 {
		t.Fatalf("the failed debit is %s %+v", p.State, p.Online)
	}
	r.Bank.Pay(r.Page(i, 0).URL, rig.Succeed)
	r.Sweep()
	settled(t, r, c, i)
}

// The page of a failed debit looks the same before and after; the event alone says that it failed.
func TestOnlyTheEventTellsOfAFailedDebit(t *testing.T) {
	r, _, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Process)
	r.Return(r.Bank.Pages()[0].ID)
	r.Bank.End(intent, false)
	told := r.Bank.Told()
	last := told[len(told)-1]
	if last.Type != "checkout.session.async_payment_failed" {
		t.Fatal(last.Type)
	}
	r.Webhook(last)
	if p := r.GetPayment(page.PaymentID); p.State != payment.Failed || p.Online.Paying {
		t.Errorf("it is %s, paying %v", p.State, p.Online.Paying)
	}
}

// A debit whose outcome nobody tells is asked for once its page has ended, until it is known.
func TestSilentDebit(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Process)
	r.Return(r.Bank.Pages()[0].ID)
	r.Clock.Move(10 * time.Minute)
	r.Sweep() // all events until now were seen
	r.Bank.Alter(intent, func(in *payment.Intent, _ *payment.Session) {
		in.Status, in.Received, in.Method = "succeeded", in.Amount, "sepa_debit"
	})
	r.Clock.Move(24 * time.Hour)
	r.Sweep()
	settled(t, r, c, i)
	if p := r.GetPayment(page.PaymentID); p.Method != "sepa_debit" {
		t.Errorf("by %s", p.Method)
	}
}

// A double click opens one page; thirty at once open one payment.
func TestDoubleClick(t *testing.T) {
	r, c, i := shop(t)
	var wg sync.WaitGroup
	pages := make(chan string, 30)
	for range 30 {
		wg.Go(func() {
			p, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{})
			if err != nil && !errors.Is(err, fault.Busy) {
				t.Error(err)
			}
			pages <- fmt.Sprint(p.URL)
		})
	}
	wg.Wait()
	close(pages)
	seen := map[string]bool{}
	for p := range pages {
		if p != "" {
			seen[p] = true
		}
	}
	if len(seen) != 1 || len(r.Payments(c)) != 1 || len(r.Bank.Pages()) != 1 || r.Bank.Calls("NewCustomer") < 1 {
		t.Errorf("pages %v, %d payments, %d sessions", seen, len(r.Payments(c)), len(r.Bank.Pages()))
	}
}

// A contact renamed after a lost answer can still pay: the request of a key never changes.
func TestCustomerRenamedBetweenTries(t *testing.T) {
	r, c, i := shop(t)
	r.Bank.Fail = func(call string) (error, error) {
		if call == "NewCustomer" {
			return nil, rig.ErrLost
		}
		return nil, nil
	}
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Busy) {
		t.Fatal(err)
	}
	r.Bank.Fail = nil
	who, err := r.Contacts.Get(r.Ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	in := who.Input()
	in.Name = "Ada King"
	if _, err := r.Contacts.Update(r.Ctx, rig.Owner, c, who.Version(), in); err != nil {
		t.Fatal(err)
	}
	r.Bank.Pay(r.Page(i, 0).URL, rig.Succeed)
	r.Sweep()
	settled(t, r, c, i)
}

// What the provider refuses for good ends the attempt with its words, and the next try is a new one.
func TestRefusedPage(t *testing.T) {
	r, c, i := shop(t)
	tooSmall := fault.Invalid.Errorf("the amount is less than can be paid online").Coded("amount_not_payable_online")
	r.Bank.Fail = func(call string) (error, error) {
		if call == "NewSession" {
			return tooSmall, nil
		}
		return nil, nil
	}
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	ps := r.Payments(c)
	if len(ps) != 1 || ps[0].State != payment.Failed {
		t.Fatalf("payments %+v", ps)
	}
	es := r.Entries(c)
	if e := es[len(es)-1]; e.Kind != "payment.failed" || !strings.Contains(e.Reason, "less than can be paid") {
		t.Errorf("the history says %s: %s", e.Kind, e.Reason)
	}
	r.Bank.Fail = nil
	r.Page(i, 0)
	if n := len(r.Payments(c)); n != 2 {
		t.Errorf("%d payments", n)
	}
}

// Nobody pays what is not owed, through a link that is not the invoice's, or without the right.
func TestStartRefusals(t *testing.T) {
	r, c, i := shop(t)
	draft := r.Draft(c, rig.Lines("5.00"))
	for _, x := range []struct {
		name   string
		by     activity.By
		id     string
		amount int64
		kind   fault.Kind
	}{
		{"more than is due", rig.Client(i.LinkID), i.ID, 11901, fault.Invalid},
		{"less than nothing", rig.Client(i.LinkID), i.ID, -1, fault.Invalid},
		{"a draft", rig.Owner, draft.ID, 0, fault.Unready},
		{"none", rig.Owner, "in_x", 0, fault.NotFound},
		{"another's link", rig.Client("lk_other"), i.ID, 0, fault.NotFound},
		{"a client without a link", activity.By{Kind: activity.Client}, i.ID, 0, fault.NotFound},
		{"sales", rig.As(member.Sales), i.ID, 0, fault.Denied},
	} {
		if _, err := r.Checkout.Start(r.Ctx, x.by, x.id, checkout.Ask{Amount: x.amount}); fault.KindOf(err) != x.kind {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	if n := len(r.Payments(c)); n != 0 {
		t.Errorf("%d attempts were recorded", n)
	}
	if err := r.Checkout.Settle(r.Ctx, rig.As(member.Owner), "pi_1"); !errors.Is(err, fault.Denied) {
		t.Errorf("a person told an outcome: %v", err)
	}
	if err := r.Checkout.Hint(r.Ctx, member.Automaton(member.Courier), payment.Event{Type: "charge.refunded"}); !errors.Is(err, fault.Denied) {
		t.Errorf("the post told an outcome: %v", err)
	}
}

// Two part payments over the page settle the invoice to the cent.
func TestPartsOnline(t *testing.T) {
	r, c, i := shop(t)
	r.Bank.Pay(r.Page(i, 1).URL, rig.Succeed)
	r.Sweep()
	if got := r.GetInvoice(i.ID); got.Due() != 11899 {
		t.Errorf("%d is due", got.Due())
	}
	r.Bank.Pay(r.Page(r.GetInvoice(i.ID), 0).URL, rig.Succeed)
	r.Sweep()
	if got := r.GetInvoice(i.ID); got.State != invoice.Paid || got.Paid != 11900 {
		t.Errorf("the invoice is %s with %d paid", got.State, got.Paid)
	}
	if b := r.Head(c, "EUR"); b != (activity.Balance{}) {
		t.Errorf("the balance is %+v", b)
	}
}

package checkout_test

import (
	"context"
	"errors"
	"reflect"
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
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/rig"
	"onebook/internal/store"
)

// display is the word that people read on an invoice.
func display(r *rig.Rig, i invoice.Invoice) string {
	i = r.GetInvoice(i.ID)
	tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
	if err != nil {
		r.TB.Fatal(err)
	}
	return i.Display(i.IssuedOn, tr)
}

// letters answers the subjects of the letters to the client since the last n.
func letters(r *rig.Rig, n int) []string {
	r.Drain()
	out := []string{}
	for _, m := range r.Mail.Sent()[n:] {
		out = append(out, m.Subject)
	}
	return out
}

// A page offers the card, and the bank debit of its currency where the organisation has it; a client may ask for one.
func TestMethodsByCurrency(t *testing.T) {
	for _, x := range []struct {
		currency string
		on       []string
		ask      string
		want     []string // nil: refused
	}{
		{"EUR", nil, "", []string{"card", "sepa_debit"}},
		{"USD", nil, "", []string{"card", "us_bank_account"}},
		{"GBP", nil, "", []string{"card"}},
		{"EUR", []string{"card"}, "", []string{"card"}},
		{"EUR", []string{"card", "us_bank_account"}, "", []string{"card"}},
		{"EUR", nil, "sepa_debit", []string{"sepa_debit"}},
		{"EUR", nil, "card", []string{"card"}},
		{"EUR", nil, "us_bank_account", nil},
		{"EUR", []string{"card"}, "sepa_debit", nil},
		{"EUR", nil, "cash", nil},
	} {
		r := rig.New(t)
		r.Organise()
		if x.on != nil {
			r.Settings(func(s *org.Settings) { s.OnlineMethods = x.on })
		}
		in := rig.Lines("100.00")
		in.Currency = x.currency
		i := r.Invoice(r.Contact("Ada", "ada@client.example").ID, in)
		page, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{Method: x.ask})
		if x.want == nil {
			if !errors.Is(err, fault.Invalid) || len(r.Bank.Pages()) != 0 {
				t.Errorf("%s by %q: %v", x.currency, x.ask, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Bank.Offers(r.Bank.Pages()[0].ID); !slices.Equal(got, x.want) {
			t.Errorf("%s with %v, asked for %q: the page offers %v, want %v", x.currency, x.on, x.ask, got, x.want)
		}
		again, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{Method: x.ask})
		if err != nil || again != page {
			t.Errorf("asked again it is %+v %v", again, err)
		}
	}
}

// What no page can offer is refused in the settings.
func TestMethodsInTheSettings(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	for _, on := range [][]string{{"sepa_debit"}, {"card", "paypal"}, {"card", "card"}} {
		s, err := r.Org.Get(r.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.OnlineMethods = on
		if _, err := r.Org.Update(r.Ctx, rig.Owner, s.Version(), s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", on, err)
		}
	}
}

// An account at the provider that does not take debits yet keeps nobody from paying by card, and a person is told once.
func TestAccountWithoutDebits(t *testing.T) {
	r, c, i := shop(t)
	r.Bank.Takes = []string{"card"}
	page := r.Page(i, 0)
	if again := r.Page(i, 0); again != page || len(r.Bank.Pages()) != 1 {
		t.Errorf("%d pages", len(r.Bank.Pages()))
	}
	if got := r.Bank.Offers(r.Bank.Pages()[0].ID); !slices.Equal(got, []string{"card"}) {
		t.Errorf("the page offers %v", got)
	}
	if d := cmp.Diff([]string{"method_not_offered"}, r.Issues(issue.Open)); d != "" {
		t.Error(d)
	}
	r.Bank.Pay(page.URL, rig.Succeed)
	r.Sweep()
	if p := r.Payments(c)[0]; p.State != payment.Succeeded || p.Method != "card" || r.GetInvoice(i.ID).State != invoice.Paid {
		t.Errorf("the payment is %s by %s", p.State, p.Method)
	}
}

// A debit is on its way for days, comes back, and leaves the invoice exactly as it was; the client and a person are told
// once, whatever is told in whatever order. Then the client pays by card, and nothing is left to do.
func TestDebitComesBack(t *testing.T) {
	for _, order := range []string{"as it happened", "reversed", "each twice", "nothing is told"} {
		t.Run(order, func(t *testing.T) {
			r, c, i := shop(t)
			before := r.GetInvoice(i.ID)
			page := r.Page(i, 0)
			intent := r.Bank.Pay(page.URL, rig.Process)
			tell := func(from int) {
				told := r.Bank.Told()[from:]
				switch order {
				case "reversed":
					slices.Reverse(told)
				case "each twice":
					told = slices.Concat(told, told)
				case "nothing is told":
					return
				}
				for _, ev := range told {
					r.Webhook(ev)
				}
			}
			tell(0)
			r.Return(r.Bank.Pages()[0].ID)
			p := r.GetPayment(page.PaymentID)
			if p.State != payment.Pending || !p.Online.Paying || p.Method != "sepa_debit" || display(r, i) != "paying" {
				t.Fatalf("under way it is %s by %s, paying %v, the invoice %s", p.State, p.Method, p.Online.Paying, display(r, i))
			}
			if n := len(letters(r, 0)); n != 1 {
				t.Errorf("%d letters say that it is on its way", n)
			}
			r.Clock.Move(5 * 24 * time.Hour)
			heard := len(r.Bank.Told())
			r.Bank.End(intent, false)
			tell(heard)
			r.Sweep()
			r.Sweep()
			p = r.GetPayment(page.PaymentID)
			if p.State != payment.Failed || p.Online.Paying || len(p.Online.Attempts) != 1 || p.Online.Attempts[0].Code != "insufficient_funds" {
				t.Fatalf("come back it is %s, %+v", p.State, p.Online)
			}
			if after := r.GetInvoice(i.ID); !reflect.DeepEqual(before, after) || display(r, i) != "issued" {
				t.Errorf("the invoice is %s and not as before: %+v", display(r, i), after)
			}
			if b := r.Head(c, "EUR"); b != (activity.Balance{Due: 11900}) || len(ledger(r, c, "payment.failed")) != 0 {
				t.Errorf("the balance is %+v", b)
			}
			if d := cmp.Diff([]string{checkout.DebitFailed}, r.Issues(issue.Open)); d != "" {
				t.Error(d)
			}
			if n := len(letters(r, 0)); n != 2 {
				t.Errorf("%d letters", n)
			}
			for _, ev := range r.Bank.Told() { // all of the past once more
				r.Webhook(ev)
			}
			if n := len(letters(r, 0)); n != 2 || r.GetPayment(page.PaymentID).State != payment.Failed {
				t.Errorf("old words made %d letters, and the payment %s", n, r.GetPayment(page.PaymentID).State)
			}
			r.Bank.Pay(r.Page(i, 0).URL, rig.Succeed)
			r.Sweep()
			settled(t, r, c, i)
			if display(r, i) != "paid" {
				t.Errorf("paid by card it is %s", display(r, i))
			}
		})
	}
}

// A debit that arrives after days is money once, and the invoice is not shown as paying any more.
func TestDebitArrives(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Process)
	for _, ev := range r.Bank.Told() {
		r.Webhook(ev)
	}
	r.Clock.Move(4 * 24 * time.Hour)
	r.Bank.End(intent, true)
	for range 2 {
		for _, ev := range r.Bank.Told() {
			r.Webhook(ev)
		}
		r.Sweep()
	}
	settled(t, r, c, i)
	p := r.GetPayment(page.PaymentID)
	if p.Method != "sepa_debit" || p.ReceivedOn != rig.Day("2026-01-09") || display(r, i) != "paid" {
		t.Errorf("by %s on %s, the invoice is %s", p.Method, p.ReceivedOn, display(r, i))
	}
	tr, err := invoice.GetTrack(r.Ctx, r.Table, r.GetInvoice(i.ID))
	if err != nil || len(tr.Paying) != 0 {
		t.Errorf("still on its way: %v %v", tr.Paying, err)
	}
}

// A failure after the money is no failure; money after a failure is money (design.md §4).
func TestFailureAndSuccessInEitherOrder(t *testing.T) {
	t.Run("failed, then succeeded", func(t *testing.T) {
		r, c, i := shop(t)
		page := r.Page(i, 0)
		intent := r.Bank.Pay(page.URL, rig.Process)
		r.Sweep()
		r.Bank.End(intent, false)
		r.Clock.Move(time.Minute)
		r.Sweep()
		r.Bank.End(intent, true)
		for _, ev := range r.Bank.Told() {
			r.Webhook(ev)
		}
		settled(t, r, c, i)
		if p := r.GetPayment(page.PaymentID); p.State != payment.Succeeded {
			t.Errorf("the payment is %s", p.State)
		}
	})
	t.Run("succeeded, then told of the failure before", func(t *testing.T) {
		r, c, i := shop(t)
		page := r.Page(i, 0)
		intent := r.Bank.Pay(page.URL, rig.Process)
		r.Bank.End(intent, false)
		late := r.Bank.Told()
		r.Bank.End(intent, true)
		r.Webhook(r.Bank.Told()[len(r.Bank.Told())-1])
		for _, ev := range late {
			r.Webhook(ev)
		}
		settled(t, r, c, i)
		if got := r.Issues(issue.ResolvedAuto); len(got) != 0 {
			t.Errorf("issues came and went: %v", got)
		}
	})
}

// late is a bank whose next answer about an intent is an old one.
type late struct {
	*rig.Bank
	old *payment.Intent
}

func (l *late) Intent(ctx context.Context, intent string) (payment.Intent, error) {
	if old := l.old; old != nil {
		l.old = nil
		return *old, nil
	}
	return l.Bank.Intent(ctx, intent)
}

// A decline that was read before a debit began and applied after it does not end the debit. That the debit itself fails for
// the very reason of that decline is news.
func TestOldDeclineDoesNotEndADebit(t *testing.T) {
	r, _, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Decline)
	r.Sweep()
	old, err := r.Bank.Intent(r.Ctx, intent)
	if err != nil {
		t.Fatal(err)
	}
	r.Bank.Pay(page.URL, rig.Process)
	r.Clock.Move(time.Minute)
	r.Sweep()
	r.Checkout.Provider = &late{Bank: r.Bank, old: &old}
	if err := r.Checkout.Settle(r.Ctx, member.Automaton(member.Webhook), intent); err != nil {
		t.Fatal(err)
	}
	if p := r.GetPayment(page.PaymentID); p.State != payment.Pending || !p.Online.Paying {
		t.Fatalf("an old decline made it %s, paying %v", p.State, p.Online.Paying)
	}
	r.Bank.Alter(intent, func(in *payment.Intent, _ *payment.Session) { in.Status, in.Decline = old.Status, old.Decline })
	if err := r.Checkout.Settle(r.Ctx, member.Automaton(member.Webhook), intent); err != nil {
		t.Fatal(err)
	}
	if p := r.GetPayment(page.PaymentID); p.State != payment.Failed || len(p.Online.Attempts) != 2 {
		t.Errorf("a debit that failed for the reason of an earlier decline is %s %+v", p.State, p.Online)
	}
}

// Nobody asks about money on its way more than once a day, and its events alone are enough to end it.
func TestDebitIsLookedAtDaily(t *testing.T) {
	r, c, i := shop(t)
	page := r.Page(i, 0)
	intent := r.Bank.Pay(page.URL, rig.Process)
	r.Sweep()
	r.Clock.Move(10 * time.Minute)
	r.Sweep() // all events until now were seen
	asked := r.Bank.Calls("Intent")
	for range 4 * 24 { // four days, each hour
		r.Clock.Move(time.Hour)
		r.Sweep()
	}
	if n := r.Bank.Calls("Intent") - asked; n < 3 || n > 5 {
		t.Errorf("in four days the provider was asked %d times about one debit", n)
	}
	r.Bank.Alter(intent, func(in *payment.Intent, s *payment.Session) {
		in.Status, in.Received, s.Paid = "succeeded", in.Amount, "paid"
	})
	r.Clock.Move(25 * time.Hour)
	r.Sweep()
	settled(t, r, c, i)
	if p := r.GetPayment(page.PaymentID); p.State != payment.Succeeded || p.Method != "sepa_debit" {
		t.Errorf("it is %s by %s", p.State, p.Method)
	}
}

// Two payers, two methods: one pays a part by debit, the other the rest by card meanwhile; no page lets both pay the same.
func TestPartByDebitRestByCard(t *testing.T) {
	r, c, i := shop(t)
	debit := r.Page(i, 5000)
	intent := r.Bank.Pay(debit.URL, rig.Process)
	r.Sweep()
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{Amount: 6901}); !errors.Is(err, fault.Unready) || !strings.Contains(err.Error(), "under way") {
		t.Errorf("what is on its way can be paid again: %v", err)
	}
	rest := r.Page(i, 0)
	if p := r.GetPayment(rest.PaymentID); p.Amount != 6900 {
		t.Errorf("the rest is %d", p.Amount)
	}
	r.Bank.Pay(rest.URL, rig.Succeed)
	r.Sweep()
	if got := r.GetInvoice(i.ID); got.Paid != 6900 || display(r, i) != "paying" {
		t.Errorf("the invoice is %s with %d paid", display(r, i), got.Paid)
	}
	if _, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{}); !errors.Is(err, fault.Unready) {
		t.Errorf("all is paid or on its way, and a page opens: %v", err)
	}
	r.Clock.Move(5 * 24 * time.Hour)
	r.Bank.End(intent, true)
	r.Sweep()
	r.Sweep()
	if got := r.GetInvoice(i.ID); got.State != invoice.Paid || got.Paid != 11900 {
		t.Errorf("the invoice is %s with %d paid", got.State, got.Paid)
	}
	if b := r.Head(c, "EUR"); b != (activity.Balance{}) || len(r.Issues(issue.Open)) != 0 {
		t.Errorf("the balance is %+v, issues %v", b, r.Issues(issue.Open))
	}
	var by []string
	for _, p := range r.Payments(c) {
		by = append(by, p.Method)
	}
	slices.Sort(by)
	if d := cmp.Diff([]string{"card", "sepa_debit"}, by); d != "" {
		t.Error(d)
	}
}

// Two tabs, one paid by debit and one by card: the card settles the invoice, the debit that arrives later is the client's
// credit, and a person is told.
func TestDebitAndCardBothPaid(t *testing.T) {
	r, c, i := shop(t)
	one := r.Page(i, 0)
	two, err := r.Checkout.Start(r.Ctx, rig.Client(i.LinkID), i.ID, checkout.Ask{Method: "card"})
	if err != nil || one.URL == two.URL {
		t.Fatal(two, err)
	}
	intent := r.Bank.Pay(one.URL, rig.Process)
	r.Bank.Pay(two.URL, rig.Succeed)
	var wg sync.WaitGroup
	for _, ev := range r.Bank.Told() {
		wg.Go(func() { _ = r.Checkout.Hint(r.Ctx, member.Automaton(member.Webhook), ev) })
	}
	wg.Wait()
	r.Sweep()
	if got := r.GetInvoice(i.ID); got.State != invoice.Paid || display(r, i) != "paid" {
		t.Errorf("the invoice is %s", display(r, i))
	}
	r.Clock.Move(5 * 24 * time.Hour)
	r.Bank.End(intent, true)
	for range 2 {
		for _, ev := range r.Bank.Told() {
			r.Webhook(ev)
		}
		r.Sweep()
	}
	if got := r.GetInvoice(i.ID); got.Paid != 11900 {
		t.Errorf("%d is paid", got.Paid)
	}
	if b := r.Head(c, "EUR"); b != (activity.Balance{Credit: 11900}) {
		t.Errorf("the balance is %+v", b)
	}
	if d := cmp.Diff([]string{"overpaid"}, r.Issues(issue.Open)); d != "" {
		t.Error(d)
	}
}

// Pages of one invoice do not grow without end: the sixth closes the oldest, and nobody is kept from paying.
func TestManyPages(t *testing.T) {
	r, _, i := shop(t)
	first := r.Page(i, 1000)
	for n := range int64(10) {
		r.Clock.Move(time.Second)
		r.Page(i, 1001+n)
	}
	open := 0
	for _, s := range r.Bank.Pages() {
		if s.Status == "open" {
			open++
		}
	}
	if open != 5 {
		t.Errorf("%d pages are open", open)
	}
	if r.Bank.Pay(first.URL, rig.Succeed) != "" || r.GetPayment(first.PaymentID).State != payment.Failed {
		t.Errorf("the oldest page is still open, its payment %s", r.GetPayment(first.PaymentID).State)
	}
	if last := r.Page(i, 1010); len(r.Bank.Pages()) != 11 || last.URL != r.Bank.Pages()[10].URL {
		t.Errorf("the newest page is not found again: %d pages", len(r.Bank.Pages()))
	}
	r.Clock.Move(time.Second)
	// One that was paid while it was the oldest is money, not lost.
	oldest := r.Bank.Pages()[6]
	r.Bank.Pay(oldest.URL, rig.Succeed)
	r.Page(i, 2000)
	if got := r.GetInvoice(i.ID); got.Paid != oldest.Amount {
		t.Errorf("%d is paid", got.Paid)
	}
}

// unreadable is a table in which one payment cannot be read.
type unreadable struct {
	store.Table
	id string
}

func (u *unreadable) Get(ctx context.Context, k store.Key) (store.Item, error) {
	if u.id != "" && k.SK == "PAY#"+u.id {
		return store.Item{}, store.ErrBusy
	}
	return u.Table.Get(ctx, k)
}

// A first pull that cannot read a payment says so, and moves no cursor over what it did not see.
func TestFirstPullTellsWhatItCannotRead(t *testing.T) {
	broken := &unreadable{}
	r := rig.New(t, func(table store.Table) store.Table {
		broken.Table = table
		return broken
	})
	r.Organise()
	i := r.Invoice(r.Contact("Ada", "ada@client.example").ID, rig.Lines("100.00"))
	page := r.Page(i, 0)
	broken.id = page.PaymentID
	if err := r.Checkout.Pull(r.Ctx); !errors.Is(err, fault.Busy) || r.Bank.Calls("Events") != 0 {
		t.Errorf("%v after %d looks at events", err, r.Bank.Calls("Events"))
	}
}

package billing_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/contact"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/sale"
	"onebook/internal/totals"
)

func shop(t *testing.T) (*rig.Rig, string) {
	r := rig.New(t)
	r.Organise()
	return r, r.Contact("Ada Lovelace", "ada@client.example").ID
}

func second[T any](_ T, err error) error { return err }

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func code(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// Sixty-four issues at once take the numbers 1 to 64: none is missing, none is given twice.
func TestNumbersWithoutGaps(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	const n = 64
	var drafts []string
	for k := range n {
		drafts = append(drafts, r.Draft(r.Contact(fmt.Sprintf("Client %d", k), "").ID, rig.Lines("100.00")).ID)
	}
	var wg sync.WaitGroup
	numbers := make(chan string, n)
	for _, d := range drafts {
		wg.Go(func() {
			i, err := r.Billing.Issue(r.Ctx, rig.Owner, d)
			if err != nil {
				t.Error(err)
			}
			numbers <- i.Number
		})
	}
	wg.Wait()
	close(numbers)
	got := map[string]bool{}
	for x := range numbers {
		got[x] = true
	}
	for k := 1; k <= n; k++ {
		if want := fmt.Sprintf("2026-%04d", k); !got[want] {
			t.Errorf("%s is missing", want)
		}
	}
	if len(got) != n {
		t.Errorf("%d numbers for %d invoices", len(got), n)
	}
	found, err := invoice.ByNumber(r.Ctx, r.Table, "2026-0017")
	if err != nil || found.Number != "2026-0017" {
		t.Errorf("found %q by its number: %v", found.Number, err)
	}
}

// A year counts anew by the day where the organisation is; no day of issue lies before the one of the number before.
func TestNumbersOverTheYear(t *testing.T) {
	r, c := shop(t) // Berlin
	issue := func(moment string) (string, string) {
		r.Clock.Set(at(t, moment))
		i := r.Invoice(c, rig.Lines("1.00"))
		return i.Number, i.IssuedOn.String()
	}
	type is struct{ number, on string }
	for _, x := range []struct {
		moment, zone string
		want         is
	}{
		{"2026-12-31T22:59:59Z", "Europe/Berlin", is{"2026-0001", "2026-12-31"}},
		{"2026-12-31T23:00:00Z", "Europe/Berlin", is{"2027-0001", "2027-01-01"}},
		{"2026-12-31T23:30:00Z", "America/Los_Angeles", is{"2026-0002", "2026-12-31"}}, // it is still the old year there
		{"2027-01-05T04:00:00Z", "Asia/Tokyo", is{"2027-0002", "2027-01-05"}},
		{"2027-01-05T04:30:00Z", "America/Los_Angeles", is{"2027-0003", "2027-01-05"}}, // the 4th there, never before the last
		{"2027-01-06T12:00:00Z", "America/Los_Angeles", is{"2027-0004", "2027-01-06"}},
	} {
		r.Settings(func(s *org.Settings) { s.TimeZone = x.zone })
		number, on := issue(x.moment)
		if got := (is{number, on}); got != x.want {
			t.Errorf("%s in %s: %v, not %v", x.moment, x.zone, got, x.want)
		}
	}
}

// Another form of numbers begins a series of its own where it must, goes on where it can, and never gives one twice.
func TestNumberFormChanges(t *testing.T) {
	r, c := shop(t)
	form := func(f string) { r.Settings(func(s *org.Settings) { s.Numbering.Invoice = f }) }
	next := func() string { return r.Invoice(c, rig.Lines("1.00")).Number }
	got := []string{next()}
	form("R{year}/{n}")
	got = append(got, next())
	form("INV-{n6}")
	got = append(got, next(), next())
	form("{year}-{n4}")
	got = append(got, next())
	if d := cmp.Diff([]string{"2026-0001", "R2026/2", "INV-000001", "INV-000002", "2026-0003"}, got); d != "" {
		t.Error(d)
	}
	form("R2026/{n}") // its third would be R2026/3, then 4: free; its second stands already
	got = []string{next()}
	if d := cmp.Diff([]string{"R2026/3"}, got); d != "" {
		t.Error(d)
	}
	form("{year}-000{n}")
	d := r.Draft(c, rig.Lines("1.00"))
	i, err := r.Billing.Issue(r.Ctx, rig.Owner, d.ID)
	if err != nil || i.Number != "2026-0004" {
		t.Errorf("%s %v", i.Number, err)
	}
	form("2026-{n4}") // the other series: its fourth stands already
	_, err = r.Billing.Issue(r.Ctx, rig.Owner, r.Draft(c, rig.Lines("1.00")).ID)
	if !errors.Is(err, fault.Exists) || code(err) != "number_taken" {
		t.Errorf("a number was given twice: %v", err)
	}
}

// What was issued stays as it was, whatever becomes of the organisation, the client, the catalog and the taxes.
func TestFrozen(t *testing.T) {
	r, c := shop(t)
	item := r.Item("Consulting", "150.00")
	in := sale.Input{Lines: []sale.LineInput{{ItemID: item.ID, Quantity: rig.Dec("2")}}}
	i := r.Invoice(c, in)
	r.Clock.Move(time.Hour)
	r.Settings(func(s *org.Settings) {
		s.Name, s.Accent, s.PaymentTerms, s.Locale, s.TimeZone = "Studio Süd", "#aa0000", "now", "de", "Asia/Tokyo"
		s.Address.City, s.DueDays = "München", 3
	})
	who, err := r.Contacts.Get(r.Ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	next := who.Input()
	next.Name, next.Emails = "Ada King", []contact.EmailInput{{Address: "countess@client.example"}}
	if _, err := r.Contacts.Update(r.Ctx, rig.Owner, c, who.Version(), next); err != nil {
		t.Fatal(err)
	}
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("25"), From: rig.Day("2026-01-01")})
	if err := r.Catalog.Remove(r.Ctx, rig.Owner, item.ID, 1); err != nil {
		t.Fatal(err)
	}
	again := r.Issue(i.ID)
	if again.Version() != i.Version() || again.Number != i.Number {
		t.Errorf("issued twice it is %s, version %d", again.Number, again.Version())
	}
	f := again.Frozen
	if f.Seller.Name != "Studio Nord" || f.Client.Name != "Ada Lovelace" || f.Look.Accent != "#1f5fbf" || f.Locale != "en" || f.Look.TimeZone != "Europe/Berlin" {
		t.Errorf("frozen: %+v", f)
	}
	if d := cmp.Diff([]string{"Hafenstraße 1", "20457 Hamburg", "DE"}, f.Seller.Address); d != "" {
		t.Error(d)
	}
	l := again.Body.Lines[0]
	if l.Name != "Consulting" || l.UnitPrice.String() != "150.00" || again.Body.Totals.Total != 35700 || again.DueOn != rig.Day("2026-01-19") {
		t.Errorf("line %+v, total %d, due on %s", l, again.Body.Totals.Total, again.DueOn)
	}
}

// Issuing twice, also at once, is issuing once.
func TestIssueTwice(t *testing.T) {
	r, c := shop(t)
	d := r.Draft(c, rig.Lines("100.00"))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if i, err := r.Billing.Issue(r.Ctx, rig.Owner, d.ID); err != nil || i.Number != "2026-0001" {
				t.Errorf("%s %v", i.Number, err)
			}
		})
	}
	wg.Wait()
	n := 0
	for _, k := range r.Kinds(c) {
		if k == "invoice.issued" {
			n++
		}
	}
	if n != 1 || r.Head(c, "EUR").Due != 11900 || r.Invoice(c, rig.Lines("1.00")).Number != "2026-0002" {
		t.Errorf("issued %d times, %d owed", n, r.Head(c, "EUR").Due)
	}
}

// Void: only while nothing was paid and nobody has it, for a reason that is kept; the number stays and the books go back.
func TestVoid(t *testing.T) {
	r, c := shop(t)
	void := func(id, why string) error { return second(r.Billing.Void(r.Ctx, rig.Owner, id, why)) }
	i := r.Invoice(c, rig.Lines("100.00"))
	if err := void(i.ID, "  "); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	for range 2 {
		if err := void(i.ID, "wrong client"); err != nil {
			t.Fatal(err)
		}
	}
	got := r.GetInvoice(i.ID)
	if got.State != invoice.Void || got.VoidReason != "wrong client" || got.Due() != 0 || r.Head(c, "EUR").Due != 0 {
		t.Errorf("%+v, balance %+v", got, r.Head(c, "EUR"))
	}
	if next := r.Invoice(c, rig.Lines("1.00")); next.Number != "2026-0002" {
		t.Errorf("the number of the void one was given again: %s", next.Number)
	}
	if err := second(r.Billing.PayLink(r.Ctx, rig.Owner, i.ID)); !errors.Is(err, fault.Unready) {
		t.Errorf("a void one has a pay link: %v", err)
	}
	if err := second(r.Billing.Send(r.Ctx, rig.Owner, i.ID)); !errors.Is(err, fault.Unready) {
		t.Errorf("a void one was sent: %v", err)
	}
	paid := r.Invoice(c, rig.Lines("100.00"))
	r.Cash(paid.ID, 1)
	if err := void(paid.ID, "no"); !errors.Is(err, fault.Unready) {
		t.Errorf("one with a payment: %v", err)
	}
	if err := void(r.Draft(c, rig.Lines("1.00")).ID, "no"); !errors.Is(err, fault.Unready) {
		t.Errorf("a draft: %v", err)
	}
	free := r.Invoice(c, rig.Lines("0"))
	if err := void(free.ID, "no"); !errors.Is(err, fault.Unready) {
		t.Errorf("one over nothing, which is paid: %v", err)
	}
	sent, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(c, rig.Lines("1.00")).ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := void(sent.ID, "no"); !errors.Is(err, fault.Unready) || code(err) != "sent" {
		t.Errorf("one that was sent: %v", err)
	}
	r.Settings(func(s *org.Settings) { s.VoidSent = true })
	if err := void(sent.ID, "allowed now"); err != nil {
		t.Errorf("one that was sent, where that is allowed: %v", err)
	}
}

// Overdue begins the day after the due date, where the organisation is.
func TestOverdue(t *testing.T) {
	for _, x := range []struct{ zone, last, first string }{
		{"Asia/Tokyo", "2026-01-19T14:59:59Z", "2026-01-19T15:00:00Z"},
		{"America/Los_Angeles", "2026-01-20T07:59:59Z", "2026-01-20T08:00:00Z"},
	} {
		r, c := shop(t)
		r.Settings(func(s *org.Settings) { s.TimeZone = x.zone })
		i := r.Invoice(c, rig.Lines("100.00"))
		if i.DueOn != rig.Day("2026-01-19") {
			t.Fatalf("%s: due on %s", x.zone, i.DueOn)
		}
		for moment, want := range map[string]string{x.last: "issued", x.first: "overdue"} {
			r.Clock.Set(at(t, moment))
			today, err := r.Org.Today(r.Ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := i.Display(today, invoice.Track{}); got != want {
				t.Errorf("%s at %s: %s", x.zone, moment, got)
			}
			found, _, err := invoice.List(r.Ctx, r.Table, invoice.Filter{Overdue: true, Today: today}, 10, "")
			if err != nil || (len(found) == 1) != (want == "overdue") {
				t.Errorf("%s at %s: %d are listed as overdue, %v", x.zone, moment, len(found), err)
			}
		}
	}
}

// Nothing to pay is paid at once; an invoice that would give money back is refused, and takes no number.
func TestZeroAndNegative(t *testing.T) {
	r, c := shop(t)
	minus := rig.Lines("100.00")
	minus.Lines[0].Quantity = rig.Dec("-1")
	if err := second(r.Billing.Issue(r.Ctx, rig.Owner, r.Draft(c, minus).ID)); !errors.Is(err, fault.Unready) {
		t.Errorf("a negative one: %v", err)
	}
	over := rig.Lines("100.00")
	over.Prepaid = rig.Dec("119.01")
	if err := second(r.Billing.Issue(r.Ctx, rig.Owner, r.Draft(c, over).ID)); !errors.Is(err, fault.Unready) {
		t.Errorf("one that was prepaid with more: %v", err)
	}
	owed := rig.Lines("100.00")
	owed.Prepaid = rig.Dec("-1")
	if err := second(r.Billing.Create(r.Ctx, rig.Owner, billing.Input{ContactID: c, Body: owed})); !errors.Is(err, fault.Invalid) {
		t.Errorf("a negative prepayment: %v", err)
	}
	free := r.Invoice(c, rig.Lines("0"))
	if free.State != invoice.Paid || free.PaidAt.IsZero() || free.Number != "2026-0001" {
		t.Errorf("over nothing it is %s %s", free.State, free.Number)
	}
	all := rig.Lines("100.00")
	all.Prepaid = rig.Dec("119.00")
	if i := r.Invoice(c, all); i.State != invoice.Paid || r.Head(c, "EUR").Due != 0 {
		t.Errorf("prepaid it is %s, %d owed", i.State, r.Head(c, "EUR").Due)
	}
}

// The due date counts from the day of issue, and never lies before it.
func TestDue(t *testing.T) {
	r, c := shop(t)
	days := func(n int) *int { return &n }
	for _, x := range []struct {
		what string
		in   billing.Input
		want string // or the refusal's code
	}{
		{"as usual", billing.Input{}, "2026-01-24"},
		{"at once", billing.Input{DueDays: days(0)}, "2026-01-10"},
		{"in 45 days", billing.Input{DueDays: days(45)}, "2026-02-24"},
		{"on a day", billing.Input{DueOn: rig.Day("2026-01-12")}, "2026-01-12"},
		{"before it was issued", billing.Input{DueOn: rig.Day("2026-01-09")}, "due_before_issue"},
	} {
		r.Clock.Set(rig.Begin)
		x.in.ContactID, x.in.Body = c, rig.Lines("1.00")
		d, err := r.Billing.Create(r.Ctx, rig.Owner, x.in)
		if err != nil {
			t.Fatal(err)
		}
		r.Clock.Set(at(t, "2026-01-10T09:00:00Z"))
		i, err := r.Billing.Issue(r.Ctx, rig.Owner, d.ID)
		got := i.DueOn.String()
		if err != nil {
			got = code(err)
		}
		if got != x.want {
			t.Errorf("%s: %s", x.what, got)
		}
	}
	for what, in := range map[string]billing.Input{
		"both": {DueDays: days(1), DueOn: rig.Day("2026-02-01")}, "minus": {DueDays: days(-1)}, "for ever": {DueDays: days(3651)},
		"in a lifetime": {DueOn: rig.Day("9999-12-31")},
	} {
		in.ContactID, in.Body = c, rig.Lines("1.00")
		if err := second(r.Billing.Create(r.Ctx, rig.Owner, in)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// An edit that did not see the newest draft is refused and loses nothing; an issued invoice is not edited at all.
func TestStaleEdits(t *testing.T) {
	r, c := shop(t)
	d := r.Draft(c, rig.Lines("100.00"))
	next, err := r.Billing.Update(r.Ctx, rig.As(member.Sales), d.ID, d.Version(), billing.Input{Body: rig.Lines("200.00")})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"an edit":    second(r.Billing.Update(r.Ctx, rig.Owner, d.ID, d.Version(), billing.Input{Body: rig.Lines("1.00")})),
		"a deletion": r.Billing.Delete(r.Ctx, rig.Owner, d.ID, d.Version()),
	} {
		if !errors.Is(err, fault.Stale) {
			t.Errorf("stale, %s: %v", what, err)
		}
	}
	i := r.Issue(d.ID)
	if i.Body.Totals.Total != 23800 || i.Version() != next.Version()+1 {
		t.Errorf("issued over %d, version %d", i.Body.Totals.Total, i.Version())
	}
	for what, err := range map[string]error{
		"an edit":    second(r.Billing.Update(r.Ctx, rig.Owner, d.ID, i.Version(), billing.Input{Body: rig.Lines("1.00")})),
		"a deletion": r.Billing.Delete(r.Ctx, rig.Owner, d.ID, i.Version()),
	} {
		if code(err) != "immutable" {
			t.Errorf("issued, %s: %v", what, err)
		}
	}
}

// An edit at the same moment by many: one wins, the others are told that it changed.
func TestEditsAtOnce(t *testing.T) {
	r, c := shop(t)
	d := r.Draft(c, rig.Lines("100.00"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for k := range 24 {
		wg.Go(func() {
			_, err := r.Billing.Update(r.Ctx, rig.Owner, d.ID, d.Version(), billing.Input{Body: rig.Lines(fmt.Sprint(k))})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, fault.Stale) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := r.GetInvoice(d.ID); won != 1 || got.Version() != d.Version()+1 {
		t.Errorf("%d edits won, version %d", won, got.Version())
	}
}

// The tax of a draft is that of its day of supply. Where it has changed since it was written, issuing asks.
func TestTaxOfTheDay(t *testing.T) {
	r, c := shop(t)
	lines := rig.Lines("100.00", "100.00")
	lines.Lines[1].ServiceDate = rig.Day("2026-01-03") // done before the change: the old rate for ever
	d := r.Draft(c, lines)
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("21"), From: rig.Day("2026-01-10")})
	r.Clock.Set(at(t, "2026-01-12T09:00:00Z"))
	if err := second(r.Billing.Issue(r.Ctx, rig.Owner, d.ID)); code(err) != "tax_changed" {
		t.Fatalf("issuing did not ask: %v", err)
	}
	d, err := r.Billing.Update(r.Ctx, rig.Owner, d.ID, d.Version(), billing.Input{Body: d.Body.Input()})
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Issue(d.ID); i.Body.Totals.Total != 12100+11900 {
		t.Errorf("it is over %d", i.Body.Totals.Total)
	}
}

// A tax that was typed stays when the draft is edited, also on a line of the catalog.
func TestTypedTaxStays(t *testing.T) {
	r, c := shop(t)
	item := r.Item("Consulting", "100.00")
	d := r.Draft(c, sale.Input{Lines: []sale.LineInput{{ItemID: item.ID, Quantity: rig.Dec("1"), Tax: &totals.Tax{Category: "S", Rate: rig.Dec("7")}}}})
	in := d.Body.Input()
	in.Notes = "Thank you"
	d, err := r.Billing.Update(r.Ctx, rig.Owner, d.ID, d.Version(), billing.Input{Body: in})
	if err != nil || d.Body.Totals.Total != 10700 {
		t.Errorf("after an edit it is over %d: %v", d.Body.Totals.Total, err)
	}
}

// An edit that types nothing new changes nothing.
func TestInputIsWhatWasTyped(t *testing.T) {
	r, c := shop(t)
	in := rig.Lines("99.99", "16.79")
	in.Discount, in.Notes = &totals.Discount{Percent: rig.Dec("7")}, "Thank you"
	d := r.Draft(c, in)
	next, err := r.Billing.Update(r.Ctx, rig.Owner, d.ID, d.Version(), billing.Input{Body: d.Body.Input()})
	if err != nil {
		t.Fatal(err)
	}
	show := func(i invoice.Invoice) string { return fmt.Sprintf("%+v", i.Body) }
	if len(next.Body.Lines) != 2 || next.Body.Totals.Total != d.Body.Totals.Total || strings.Count(show(next), "Work") != 2 {
		t.Errorf("%s\n%s", show(d), show(next))
	}
}

// The texts of a document are bounded together, also when the catalog adds them.
func TestTooLarge(t *testing.T) {
	r, c := shop(t)
	in := rig.Lines()
	for range 40 {
		in.Lines = append(in.Lines, sale.LineInput{Name: "x", Description: strings.Repeat("d", 10_000), Quantity: rig.Dec("1"), UnitPrice: rig.Dec("1"), TaxClass: "standard"})
	}
	if err := second(r.Billing.Create(r.Ctx, rig.Owner, billing.Input{ContactID: c, Body: in})); !errors.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	in.Lines = in.Lines[:28] // 280 KB of text still fit, frozen and all
	if i := r.Invoice(c, in); i.State != invoice.Open {
		t.Error(i.State)
	}
}

// A person's first look is noted once, on the track; the invoice itself does not move.
func TestViewOnce(t *testing.T) {
	r, c := shop(t)
	i := r.Invoice(c, rig.Lines("1.00"))
	for range 3 {
		r.Clock.Move(time.Minute)
		if err := r.Billing.View(r.Ctx, rig.Client(i.LinkID), i.ID); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
	if err != nil || !tr.ViewedAt.Equal(rig.Begin.Add(time.Minute)) || r.GetInvoice(i.ID).Version() != i.Version() {
		t.Errorf("seen at %v, %v", tr.ViewedAt, err)
	}
	if err := r.Billing.View(r.Ctx, rig.Client("lk_other"), i.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("through another's link: %v", err)
	}
}

// What happened since the letter makes the next one no second click: it tells something else.
func TestSendAfterAPayment(t *testing.T) {
	r, c := shop(t)
	i, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(c, rig.Lines("100.00")).ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Drain()
	r.Clock.Move(10 * time.Second)
	r.Cash(i.ID, 1900)
	if _, err := r.Billing.Send(r.Ctx, rig.Owner, i.ID); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	var due []string
	for _, m := range r.Mail.Sent() {
		if _, rest, ok := strings.Cut(m.Text, "To pay: "); ok {
			due = append(due, rest[:len("€119.00")])
		}
	}
	if strings.TrimSpace(strings.Join(due, " ")) != "€119.00 €100.00" {
		t.Errorf("the letters ask for %q", due)
	}
}

// A draft that is sent is issued in the same write; where it cannot be sent, it is not issued.
func TestSendIssues(t *testing.T) {
	r, c := shop(t)
	mute := r.Draft(r.Contact("No Mail", "").ID, rig.Lines("1.00"))
	if err := second(r.Billing.Send(r.Ctx, rig.Owner, mute.ID)); code(err) != "no_address" {
		t.Errorf("%v", err)
	}
	if got := r.GetInvoice(mute.ID); got.State != invoice.Draft || got.Number != "" {
		t.Errorf("it was issued: %s %s", got.State, got.Number)
	}
	i, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(c, rig.Lines("100.00")).ID)
	if err != nil || i.Number != "2026-0001" || i.SentAt.IsZero() {
		t.Fatal(i.Number, err)
	}
	for range 2 { // the first is a second click on the same letter, the next comes a minute later
		if _, err := r.Billing.Send(r.Ctx, rig.Owner, i.ID); err != nil {
			t.Fatal(err)
		}
		r.Clock.Move(time.Minute)
	}
	r.Drain()
	if sent := r.Mail.Sent(); len(sent) != 2 || sent[0].Subject != "Invoice 2026-0001" {
		t.Errorf("%d letters", len(sent))
	}
	kinds := r.Kinds(c)
	if n := strings.Count(strings.Join(kinds, " "), "invoice.issued"); n != 1 {
		t.Errorf("issued %d times: %v", n, kinds)
	}
}

// table is rules.md §11, as far as these deeds go: every deed's entries, typed here from the page.
func TestPostings(t *testing.T) {
	r, c := shop(t)
	of := func(kind string) []activity.Posting {
		var out []activity.Posting
		for _, e := range r.Entries(c) {
			if e.Kind != kind {
				continue
			}
			for _, p := range e.Postings {
				p.Ref = ""
				out = append(out, p)
			}
		}
		return out
	}
	in := sale.Input{Lines: []sale.LineInput{
		{Name: "Design", Quantity: rig.Dec("1"), UnitPrice: rig.Dec("100"), Taxes: []totals.Tax{{Category: "S", Rate: rig.Dec("21")}, {Name: "IRPF", Category: "S", Rate: rig.Dec("15"), Withheld: true}}},
		{Name: "Book", Quantity: rig.Dec("1"), UnitPrice: rig.Dec("50"), Taxes: []totals.Tax{{Category: "S", Rate: rig.Dec("10")}}},
		{Name: "Goods", Quantity: rig.Dec("1"), UnitPrice: rig.Dec("20"), Taxes: []totals.Tax{{Name: "CGST", Category: "S", Rate: rig.Dec("9")}, {Name: "SGST", Category: "S", Rate: rig.Dec("9")}}},
		{Name: "Lesson", Quantity: rig.Dec("1"), UnitPrice: rig.Dec("30"), Taxes: []totals.Tax{{Category: "E"}}},
	}, Prepaid: rig.Dec("40"), Rounding: rig.Dec("0.40")}
	i := r.Invoice(c, in)
	// 200.00 net + 21.00 + 5.00 + 1.80 + 1.80 = 229.60; less 15.00 withheld, less 40.00 prepaid, plus 0.40 = 175.00
	want := []activity.Posting{
		rig.Post("receivable", 17500), rig.Post("withheld", 1500), rig.Post("bank", 4000), rig.Post("rounding", -40), rig.Post("revenue", -20000),
		rig.Post("tax:CGST:S:9", -180), rig.Post("tax:SGST:S:9", -180), rig.Post("tax:S:10", -500), rig.Post("tax:S:21", -2100),
	}
	sorted := cmp.Transformer("sorted", func(ps []activity.Posting) map[activity.Account]int64 {
		m := map[activity.Account]int64{}
		for _, p := range ps {
			m[p.Account] += p.Amount
		}
		return m
	})
	if d := cmp.Diff(want, of("invoice.issued"), sorted); d != "" {
		t.Errorf("issue: %s", d)
	}
	if r.Head(c, "EUR").Due != 17500 {
		t.Errorf("%d is owed", r.Head(c, "EUR").Due)
	}
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, i.ID, "wrong"); err != nil {
		t.Fatal(err)
	}
	for n := range want {
		want[n].Amount = -want[n].Amount
	}
	if d := cmp.Diff(want, of("invoice.voided"), sorted); d != "" {
		t.Errorf("void: %s", d)
	}
	for _, e := range r.Entries(c) {
		var sum int64
		for _, p := range e.Postings {
			sum += p.Amount
		}
		if sum != 0 || (len(e.Postings) > 0 && e.On == "") {
			t.Errorf("%s: off by %d, booked on %q", e.Kind, sum, e.On)
		}
	}
}

// The client's own currency is that of new documents.
func TestCurrencyOfTheContact(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c, err := r.Contacts.Create(r.Ctx, rig.Owner, contact.Input{Kind: contact.Person, Name: "Kiyoko", Currency: "JPY"})
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Invoice(c.ID, rig.Lines("1000")); i.Body.Currency != "JPY" || i.Body.Totals.Total != 1190 {
		t.Errorf("%s %d", i.Body.Currency, i.Body.Totals.Total)
	}
}

// A draft is thrown away once; one that bills an order leaves the order to be billed anew.
func TestDelete(t *testing.T) {
	r, c := shop(t)
	o := r.Order(c, rig.Lines("1.00"), order.Schedule{})
	d := r.Draft(c, rig.Lines("1.00"))
	for _, x := range []string{o.Invoices[0], d.ID} {
		if err := r.Billing.Delete(r.Ctx, rig.Owner, x, 1); err != nil {
			t.Fatal(err)
		}
		if err := r.Billing.Delete(r.Ctx, rig.Owner, x, 1); !errors.Is(err, fault.NotFound) {
			t.Errorf("a second time: %v", err)
		}
	}
	i, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Final: true})
	if err != nil || i.Body.Totals.Total != 119 {
		t.Errorf("billed anew it is over %d: %v", i.Body.Totals.Total, err)
	}
}

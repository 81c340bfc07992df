package checkout

import (
	"slices"
	"testing"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/money"
	"onebook/internal/payment"
	"onebook/internal/sale"
	"onebook/internal/vectors"
)

// allocationCase is one of the published cases (vectors/ledger_vectors.json).
type allocationCase struct {
	ID, Payment, Currency string
	Invoices              []struct {
		Number, Due, Issued, Open, Currency string
		Disputed                            bool
	}
	Explicit [][2]string
	Expected struct {
		Error       string
		Unapplied   string
		Allocations []struct{ Invoice, Amount string }
		Remaining   map[string]string
	}
}

func minor(t *testing.T, s string) int64 {
	t.Helper()
	d, err := money.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	n, err := d.Minor("EUR")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The oldest invoice is paid first, and what was said is held to: as published, case by case.
func TestAllocationVectors(t *testing.T) {
	var file struct {
		Allocation struct{ Cases []allocationCase }
	}
	vectors.Load(t, "ledger_vectors.json", &file)
	if len(file.Allocation.Cases) < 8 {
		t.Fatalf("only %d cases", len(file.Allocation.Cases))
	}
	for _, c := range file.Allocation.Cases {
		t.Run(c.ID, func(t *testing.T) {
			amount := minor(t, c.Payment)
			var open []invoice.Invoice
			for _, x := range c.Invoices {
				i := invoice.Invoice{ID: x.Number, Number: x.Number, State: invoice.Open, DueOn: day(t, x.Due), IssuedOn: day(t, x.Issued)}
				i.Body = sale.Body{Currency: x.Currency, Totals: sale.Sums{Payable: minor(t, x.Open)}}
				if x.Currency == "" {
					i.Body.Currency = c.Currency
				}
				if !x.Disputed { // openOf leaves them out; see TestADisputedInvoiceTakesNothingByItself
					open = append(open, i)
				}
			}
			var got []share
			refused := false
			if c.Explicit == nil {
				got = oldest(open, amount, c.Currency)
			}
			in := TransferInput{ManualInput: ManualInput{Amount: amount}}
			for _, x := range c.Explicit {
				n := slices.IndexFunc(open, func(i invoice.Invoice) bool { return i.Number == x[0] })
				in.Allocations = append(in.Allocations, payment.Allocation{InvoiceID: x[0], Amount: minor(t, x[1])})
				got = append(got, share{open[n], minor(t, x[1])})
				refused = refused || open[n].Takes(minor(t, x[1]), c.Currency) < minor(t, x[1])
			}
			refused = refused || fault.KindOf(in.check()) == fault.Invalid
			if refused != (c.Expected.Error != "") {
				t.Fatalf("refused %v, and expected is %q", refused, c.Expected.Error)
			}
			if refused {
				return
			}
			if len(got) != len(c.Expected.Allocations) {
				t.Fatalf("%d allocations of %d", len(got), len(c.Expected.Allocations))
			}
			rest := amount
			left := map[string]int64{}
			for _, i := range open {
				left[i.Number] = i.Due()
			}
			for n, x := range c.Expected.Allocations {
				if got[n].inv.Number != x.Invoice || got[n].amount != minor(t, x.Amount) {
					t.Errorf("%s takes %d, expected %s %s", got[n].inv.Number, got[n].amount, x.Invoice, x.Amount)
				}
				rest -= got[n].amount
				left[x.Invoice] -= got[n].amount
			}
			if rest != minor(t, c.Expected.Unapplied) {
				t.Errorf("%d unapplied, expected %s", rest, c.Expected.Unapplied)
			}
			for number, x := range c.Expected.Remaining {
				if n, known := left[number]; known && n != minor(t, x) {
					t.Errorf("%s remains %d, expected %s", number, n, x)
				}
			}
		})
	}
}

// Of invoices due and issued on one day the lower number is paid first, whatever the order they are read in.
func TestTheLowerNumberFirst(t *testing.T) {
	var open []invoice.Invoice
	for _, number := range []string{"3", "1", "2"} {
		open = append(open, invoice.Invoice{
			Number: number, State: invoice.Open, DueOn: day(t, "2026-02-01"), IssuedOn: day(t, "2026-01-01"),
			Body: sale.Body{Currency: "EUR", Totals: sale.Sums{Payable: 100}},
		})
	}
	got := oldest(open, 150, "EUR")
	if len(got) != 2 || got[0].inv.Number != "1" || got[0].amount != 100 || got[1].inv.Number != "2" || got[1].amount != 50 {
		t.Errorf("%+v", got)
	}
}

func day(t *testing.T, s string) civil.Date {
	t.Helper()
	d, err := civil.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

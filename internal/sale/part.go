package sale

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/totals"
)

// Part is what a line comes to where that is given and not worked out: a share of an order whose invoices must sum to it
// to the cent, or an advance that a final invoice takes off as it was invoiced (rules.md §11).
type Part struct {
	InvoiceID string             `json:"invoiceId,omitempty"` // the advance that the line takes off
	Net       int64              `json:"net"`
	Taxes     []totals.TaxResult `json:"taxes"` // what of each tax falls on it
}

// PartLine is a line with a given share of an order; one that takes something off has the quantity -1.
func PartLine(b Body, name, description, invoiceID string, p totals.Part) (Line, error) {
	net := p.Priced(b.PricesIncludeTax)
	one := int64(1)
	if net < 0 {
		one = -1
	}
	quantity, err := money.Int(one)
	if err != nil {
		return Line{}, err
	}
	price, err := money.Major(one*net, b.Currency)
	if err != nil {
		return Line{}, err
	}
	return Line{
		Name: name, Description: description, Quantity: quantity, UnitPrice: price, Taxes: p.Taxes, Reason: b.reason(p), Net: net,
		Part: &Part{InvoiceID: invoiceID, Net: p.Net, Taxes: p.Rows},
	}, nil
}

// reason is why the lines of these taxes bear none; it is printed wherever they are billed.
func (b Body) reason(p totals.Part) string {
	for _, l := range b.Lines {
		if l.Reason != "" && len(totals.Merge([]totals.Part{{Taxes: p.Taxes}, {Taxes: l.Taxes}})) == 1 {
			return l.Reason
		}
	}
	return ""
}

// With answers the body with further lines of given shares, and what it comes to with them. The other lines are worked out
// as ever.
func (b Body) With(lines ...Line) (Body, error) {
	b.Lines = append(slices.Clone(b.Lines), lines...)
	for n := range b.Lines {
		b.Lines[n].ID = "l" + strconv.Itoa(n+1)
	}
	if len(b.Lines) > MaxLines {
		return Body{}, fault.Unready.Errorf("a document has at most %d lines, and this would have %d", MaxLines, len(b.Lines))
	}
	if err := b.compute(); err != nil {
		return Body{}, err
	}
	return b, b.fits()
}

// Only answers a body of given shares alone, with the currency, the place and the kind of prices of b.
func (b Body) Only(lines ...Line) (Body, error) {
	return Body{Currency: b.Currency, PricesIncludeTax: b.PricesIncludeTax, LocationID: b.LocationID}.With(lines...)
}

// Noted answers the body with the notes of what was typed. fault.Invalid when anything else was changed: given shares are
// not typed.
func (b Body) Noted(in Input) (Body, error) {
	if len([]rune(in.Notes)) > MaxNotes {
		return Body{}, fault.InField("notes", "too_long", "notes have at most 10,000 characters")
	}
	was := b.Input()
	was.Notes, in.agreed = in.Notes, nil
	x, err := json.Marshal(was)
	if err != nil {
		return Body{}, fmt.Errorf("document: %w", err)
	}
	y, err := json.Marshal(in)
	if err != nil {
		return Body{}, fmt.Errorf("document: %w", err)
	}
	if !bytes.Equal(x, y) {
		return Body{}, fault.InField("lines", "immutable", "this bills a share of an order as it was agreed; its lines stay, or throw it away and bill anew")
	}
	b.Notes = in.Notes
	return b, b.fits()
}

// Parts divides what the body comes to by the combinations of taxes in it; they sum to it to the cent.
func (b Body) Parts() ([]totals.Part, error) {
	parts, err := totals.Parts(b.document(worked))
	if err != nil {
		return nil, err
	}
	for _, l := range b.Lines {
		if l.Part != nil {
			parts = append(parts, totals.Part{Taxes: l.Taxes, Net: l.Part.Net, Rows: l.Part.Taxes})
		}
	}
	return totals.Merge(parts), nil
}

// add puts the given shares on top of what was worked out.
func (b *Body) add() error {
	t := &b.Totals
	subtotal, net := []int64{t.Subtotal}, []int64{t.Net}
	for _, l := range b.Lines {
		if l.Part == nil {
			continue
		}
		subtotal, net = append(subtotal, l.Net), append(net, l.Part.Net)
		t.Taxes = totals.AddRows(t.Taxes, l.Part.Taxes)
	}
	var tax, withheld []int64
	for _, r := range t.Taxes {
		if r.Withheld {
			withheld = append(withheld, r.Tax)
		} else {
			tax = append(tax, r.Tax)
		}
	}
	for _, x := range []struct {
		into *int64
		of   []int64
	}{{&t.Subtotal, subtotal}, {&t.Net, net}, {&t.Tax, tax}, {&t.Withheld, withheld}} {
		var err error
		if *x.into, err = money.Sum(x.of...); err != nil {
			return err
		}
	}
	var err error
	if t.Total, err = money.Sum(t.Net, t.Tax); err != nil {
		return err
	}
	t.Payable, err = money.Sum(t.Total, -t.Withheld, -t.Prepaid, t.Rounding)
	return err
}

// Package sale is what estimates, orders and invoices have in common: lines, allowances, charges and what they come to.
//
// What a person types ([Input]) becomes a [Body]: names and prices are copied from the catalog, the tax of each line is
// resolved for its place and day, and everything is computed by the one totals engine. A body is a snapshot: it is carried
// from estimate to order to invoice as it is, so that names, lines, prices and totals agree to the cent.
package sale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"onebook/internal/catalog"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/totals"
)

// Limits of a document.
const (
	MaxLines = 1000
	MaxNotes = 10_000    // characters
	MaxPaper = 300 << 10 // bytes as stored: a frozen document must stay well within one item
	MaxAhead = 3650      // days from today to the last day of an offer, or to a due date
)

// LineInput is a line as a person types it: from the catalog, or by name and price.
type LineInput struct {
	ItemID      string             `json:"itemId,omitempty"`
	Name        string             `json:"name,omitempty"`
	Description string             `json:"description,omitempty"`
	Optional    bool               `json:"optional,omitempty"` // the client takes it or leaves it
	Chosen      bool               `json:"chosen,omitempty"`   // of what is optional or in a group: it counts
	Group       string             `json:"group,omitempty"`    // of the lines of one name the client chooses exactly one
	Quantity    money.Decimal      `json:"quantity"`
	Unit        string             `json:"unit,omitempty"`
	UnitPrice   money.Decimal      `json:"unitPrice,omitzero"`
	PriceBase   money.Decimal      `json:"priceBase,omitzero"`
	Discount    *totals.Discount   `json:"discount,omitempty"`
	Allowances  []totals.Allowance `json:"allowances,omitempty"`
	Charges     []totals.Allowance `json:"charges,omitempty"`
	TaxClass    string             `json:"taxClass,omitempty"`
	Tax         *totals.Tax        `json:"tax,omitempty"`
	Taxes       []totals.Tax       `json:"taxes,omitempty"`
	ServiceDate civil.Date         `json:"serviceDate,omitzero"`
	ServiceFrom civil.Date         `json:"serviceFrom,omitzero"`
	ServiceTo   civil.Date         `json:"serviceTo,omitzero"`
}

// Input is the part that a person types of an estimate or invoice.
type Input struct {
	Currency         string              `json:"currency,omitempty"`
	PricesIncludeTax *bool               `json:"pricesIncludeTax,omitempty"`
	LocationID       string              `json:"locationId,omitempty"`
	Lines            []LineInput         `json:"lines"`
	Discount         *totals.Discount    `json:"discount,omitempty"`
	Allowances       []totals.Adjustment `json:"allowances,omitempty"`
	Charges          []totals.Adjustment `json:"charges,omitempty"`
	Prepaid          money.Decimal       `json:"prepaid,omitzero"`
	Rounding         money.Decimal       `json:"rounding,omitzero"`
	Notes            string              `json:"notes,omitempty"`
	PurchaseOrder    string              `json:"purchaseOrder,omitempty"` // the client's number for it (BT-13)

	agreed *Body
}

// Line is a line as it stands in a document.
type Line struct {
	ID          string             `json:"id"` // l1, l2, … within the document
	ItemID      string             `json:"itemId,omitempty"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Optional    bool               `json:"optional,omitempty"` // the client takes it or leaves it
	Chosen      bool               `json:"chosen,omitempty"`   // of what is optional or in a group: it counts
	Group       string             `json:"group,omitempty"`    // of the lines of one name the client chooses exactly one
	Quantity    money.Decimal      `json:"quantity"`
	Unit        string             `json:"unit,omitempty"`
	UnitPrice   money.Decimal      `json:"unitPrice"`
	PriceBase   money.Decimal      `json:"priceBase,omitzero"`
	Discount    *totals.Discount   `json:"discount,omitempty"`
	Allowances  []totals.Allowance `json:"allowances,omitempty"`
	Charges     []totals.Allowance `json:"charges,omitempty"`
	TaxClass    string             `json:"taxClass,omitempty"`
	Taxes       []totals.Tax       `json:"taxes"`
	Reason      string             `json:"taxReason,omitempty"` // why there is no tax
	ServiceDate civil.Date         `json:"serviceDate,omitzero"`
	ServiceFrom civil.Date         `json:"serviceFrom,omitzero"`
	ServiceTo   civil.Date         `json:"serviceTo,omitzero"`
	Net         int64              `json:"net"` // minor units
	Part        *Part              `json:"part,omitempty"`
}

// Body is the content of a document with what it comes to.
type Body struct {
	Currency         string              `json:"currency"`
	PricesIncludeTax bool                `json:"pricesIncludeTax,omitempty"`
	LocationID       string              `json:"locationId,omitempty"`
	Lines            []Line              `json:"lines"`
	Discount         *totals.Discount    `json:"discount,omitempty"`
	Allowances       []totals.Adjustment `json:"allowances,omitempty"`
	Charges          []totals.Adjustment `json:"charges,omitempty"`
	Prepaid          money.Decimal       `json:"prepaid,omitzero"`
	Rounding         money.Decimal       `json:"rounding,omitzero"`
	Notes            string              `json:"notes,omitempty"`
	PurchaseOrder    string              `json:"purchaseOrder,omitempty"`
	Totals           Sums                `json:"totals"`
}

// Sums are the amounts of a document, minor units of its currency. The line nets stand in the lines.
type Sums struct {
	Subtotal   int64              `json:"subtotal"`
	Allowances int64              `json:"allowances,omitempty"`
	Charges    int64              `json:"charges,omitempty"`
	Net        int64              `json:"net"` // without tax
	Taxes      []totals.TaxResult `json:"taxes"`
	Tax        int64              `json:"tax"`
	Total      int64              `json:"total"` // with tax
	Withheld   int64              `json:"withheld,omitempty"`
	Prepaid    int64              `json:"prepaid,omitempty"`
	Rounding   int64              `json:"rounding,omitempty"`
	Payable    int64              `json:"payable"`
}

// Maker turns what is typed into bodies.
type Maker struct {
	Catalog *catalog.Service
	Org     *org.Service
}

// Make resolves and computes. today is the date of supply of lines that carry none. fault.Invalid names every wrong
// field as the API does, e.g. lines[0].unitPrice.
func (m *Maker) Make(ctx context.Context, in Input, set org.Settings, today civil.Date) (Body, error) {
	b := Body{
		Currency: in.Currency, PricesIncludeTax: set.PricesIncludeTax, LocationID: in.LocationID, Discount: in.Discount,
		Allowances: in.Allowances, Charges: in.Charges, Prepaid: in.Prepaid, Rounding: in.Rounding, Notes: in.Notes, PurchaseOrder: strings.TrimSpace(in.PurchaseOrder),
	}
	if in.PricesIncludeTax != nil {
		b.PricesIncludeTax = *in.PricesIncludeTax
	}
	if b.Currency == "" {
		b.Currency = set.Currency
	}
	var f fault.Fields
	if len([]rune(in.Notes)) > MaxNotes {
		f.Add("notes", "too_long", "notes have at most 10,000 characters")
	}
	if len([]rune(b.PurchaseOrder)) > 60 || strings.ContainsFunc(b.PurchaseOrder, unicode.IsControl) {
		f.Add("purchaseOrder", "invalid", "a purchase order's number is one line of at most 60 characters")
	}
	if in.Prepaid.Sign() < 0 {
		f.Add("prepaid", "negative", "what was prepaid is zero or more")
	}
	if len(in.Lines) == 0 || len(in.Lines) > MaxLines {
		f.Add("lines", "invalid", "a document has 1 to %d lines", MaxLines)
		return Body{}, f.Err()
	}
	if err := m.located(ctx, in, &f); err != nil {
		return Body{}, err
	}
	rules, err := m.Org.TaxRules(ctx)
	if err != nil {
		return Body{}, err
	}
	for n, li := range in.Lines {
		at := fmt.Sprintf("lines[%d]", n)
		l, err := m.line(ctx, li, b.Currency)
		if err := f.Join(at, err); err != nil {
			return Body{}, err
		}
		if a, same := in.agreedLine(n, l); same && li.Tax == nil && len(li.Taxes) == 0 {
			l.Taxes, l.Reason = a.Taxes, a.Reason
		} else if err := f.Join(at, taxes(&l, li, in.LocationID, rules, today)); err != nil {
			return Body{}, err
		}
		l.ID = "l" + strconv.Itoa(n+1)
		b.Lines = append(b.Lines, l)
	}
	checkChoices(b.Lines, &f)
	if err := f.Err(); err != nil {
		return Body{}, err
	}
	if err := b.compute(); err != nil {
		return Body{}, asTyped(in, err)
	}
	return b, b.fits()
}

// located demands that the place of a document is one; what was agreed at a place stays there.
func (m *Maker) located(ctx context.Context, in Input, f *fault.Fields) error {
	if in.LocationID == "" || in.agreed != nil && in.agreed.LocationID == in.LocationID {
		return nil
	}
	_, err := m.Org.Location(ctx, in.LocationID)
	if errors.Is(err, fault.NotFound) {
		f.Add("locationId", "not_found", "there is no such location")
		return nil
	}
	return err
}

// fits bounds a document as a whole: the catalog adds descriptions to what was typed.
func (b Body) fits() error {
	raw, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("document: %w", err)
	}
	if len(raw) > MaxPaper {
		return fault.InField("lines", "too_large", "the texts of this document are too long together; shorten them or split it")
	}
	return nil
}

// line makes a line without its tax.
// asTyped names a line's only tax by the short form where that is what was typed.
func asTyped(in Input, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	for n, l := range in.Lines {
		long := fmt.Sprintf("lines[%d].taxes[0]", n)
		for x := range f.Fields {
			if l.Tax == nil || !strings.HasPrefix(f.Fields[x].Field, long) {
				continue
			}
			f.Fields[x].Field = fmt.Sprintf("lines[%d].tax", n) + strings.TrimPrefix(f.Fields[x].Field, long)
		}
	}
	return err
}

func (m *Maker) line(ctx context.Context, in LineInput, currency string) (Line, error) {
	l := Line{
		ItemID: in.ItemID, Name: strings.TrimSpace(in.Name), Description: in.Description,
		Optional: in.Optional, Chosen: in.Chosen, Group: in.Group, Quantity: in.Quantity, Unit: in.Unit,
		UnitPrice: in.UnitPrice, PriceBase: in.PriceBase, Discount: in.Discount, Allowances: in.Allowances, Charges: in.Charges,
		TaxClass: in.TaxClass, ServiceDate: in.ServiceDate, ServiceFrom: in.ServiceFrom, ServiceTo: in.ServiceTo,
	}
	var f fault.Fields
	if in.ItemID != "" {
		if err := m.fromCatalog(ctx, &l, in, currency, &f); err != nil {
			return Line{}, err
		}
	}
	if l.Name == "" || len([]rune(l.Name)) > 300 {
		f.Add("name", "invalid", "a line needs a name of 1 to 300 characters, or an itemId of the catalog")
	}
	if len([]rune(l.Description)) > MaxNotes {
		f.Add("description", "too_long", "a description has at most 10,000 characters")
	}
	if len(l.TaxClass) > 40 {
		f.Add("taxClass", "too_long", "a tax class has at most 40 characters")
	}
	if len([]rune(l.Unit)) > 40 {
		f.Add("unit", "too_long", "a unit has at most 40 characters")
	}
	if wrong := slices.ContainsFunc(f, func(x fault.Field) bool { return x.Field == "unitPrice" }); !wrong && !l.UnitPrice.Given() {
		f.Add("unitPrice", "required", "a line needs a price such as \"150.00\", or an itemId of the catalog")
	}
	if !l.Quantity.Given() {
		f.Add("quantity", "required", "a line needs a quantity such as \"1\"")
	}
	checkDates(l, &f)
	return l, f.Err()
}

func (m *Maker) fromCatalog(ctx context.Context, l *Line, in LineInput, currency string, f *fault.Fields) error {
	it, err := m.Catalog.Get(ctx, in.ItemID)
	if fault.KindOf(err) == fault.NotFound {
		f.Add("itemId", "not_found", "there is no such item in the catalog")
		return nil
	}
	if err != nil {
		return err
	}
	if l.Name == "" {
		l.Name = it.Name
	}
	if l.Description == "" {
		l.Description = it.Description
	}
	if l.Unit == "" {
		l.Unit = it.Unit
	}
	if l.TaxClass == "" {
		l.TaxClass = it.TaxClass
	}
	if !l.UnitPrice.Given() {
		if it.Currency != currency {
			f.Add("unitPrice", "currency", "the catalog has a price in %s only; type one in %s", it.Currency, currency)
			return nil
		}
		l.UnitPrice = it.UnitPrice
	}
	return nil
}

func checkDates(l Line, f *fault.Fields) {
	switch {
	case !l.ServiceDate.IsZero() && (!l.ServiceFrom.IsZero() || !l.ServiceTo.IsZero()):
		f.Add("serviceDate", "invalid", "give serviceDate, or serviceFrom with serviceTo, not both")
	case l.ServiceFrom.IsZero() != l.ServiceTo.IsZero():
		f.Add("serviceTo", "required", "a service period needs both serviceFrom and serviceTo")
	case !l.ServiceFrom.IsZero() && l.ServiceTo.Before(l.ServiceFrom):
		f.Add("serviceTo", "invalid", "a service period ends on or after its first day")
	}
}

// taxes decides a line's tax: what was typed, else the rules of its class at this place on the day of supply.
func taxes(l *Line, in LineInput, location string, rules []org.TaxRule, today civil.Date) error {
	switch {
	case in.Tax != nil && len(in.Taxes) > 0:
		return fault.InField("taxes", "invalid", "give tax or taxes, not both")
	case in.Tax != nil:
		// What was typed stays: with a class beside it, the next edit would resolve the class anew.
		l.TaxClass, l.Taxes = "", []totals.Tax{*in.Tax}
		return nil
	case len(in.Taxes) > 0:
		l.TaxClass, l.Taxes = "", in.Taxes
		return nil
	}
	if l.TaxClass == "" {
		if len(rules) > 0 {
			return fault.InField("taxClass", "required", "say the line's taxClass, or its tax")
		}
		zero, err := money.ParseDecimal("0")
		if err != nil {
			return err
		}
		l.Taxes = []totals.Tax{{Category: "Z", Rate: zero}} // an organisation without tax rules charges none
		return nil
	}
	var err error
	l.Taxes, l.Reason, err = ruled(*l, location, rules, today)
	return err
}

// ruled answers what the rules say of a line with a class, and the reason that must be printed.
func ruled(l Line, location string, rules []org.TaxRule, today civil.Date) (taxes []totals.Tax, reason string, err error) {
	on := l.ServiceDate
	if on.IsZero() {
		on = l.ServiceTo
	}
	if on.IsZero() {
		on = today
	}
	found, err := org.TaxOf(rules, l.TaxClass, location, on)
	if err != nil {
		return nil, "", err
	}
	for _, r := range found {
		taxes = append(taxes, totals.Tax{Name: r.Name, Category: r.Category, Rate: r.Rate})
		if r.Reason != "" {
			reason = r.Reason
		}
	}
	return taxes, reason, nil
}

// Keep lets the lines keep the taxes that the same lines of agreed have: what a client has accepted keeps its tax,
// whatever the rules say since (rules.md §11). A line is the same while its item, class, place and dates of supply are.
func (in *Input) Keep(agreed Body) { in.agreed = &agreed }

// agreedLine answers the n-th line of what was agreed when l is still that one.
func (in *Input) agreedLine(n int, l Line) (Line, bool) {
	if in.agreed == nil || in.agreed.LocationID != in.LocationID || n >= len(in.agreed.Lines) {
		return Line{}, false
	}
	a := in.agreed.Lines[n]
	return a, a.TaxClass != "" && a.TaxClass == l.TaxClass && a.ItemID == l.ItemID &&
		a.ServiceDate == l.ServiceDate && a.ServiceFrom == l.ServiceFrom && a.ServiceTo == l.ServiceTo
}

// Retaxed names the first line whose tax by its class is another on the day of supply than the document has; empty when
// all are the same. A class whose rules were removed is left as it is.
func (m *Maker) Retaxed(ctx context.Context, b Body, today civil.Date) (line string, err error) {
	rules, err := m.Org.TaxRules(ctx)
	if err != nil {
		return "", err
	}
	for _, l := range b.Lines {
		if l.TaxClass == "" {
			continue
		}
		now, _, err := ruled(l, b.LocationID, rules, today)
		if fault.KindOf(err) == fault.Invalid {
			continue
		}
		if err != nil {
			return "", err
		}
		same := slices.EqualFunc(now, l.Taxes, func(a, b totals.Tax) bool {
			return a.Name == b.Name && a.Category == b.Category && a.Rate.Cmp(b.Rate) == 0
		})
		if !same {
			return l.Name, nil
		}
	}
	return "", nil
}

// compute fills the sums from the lines.
func (b *Body) compute() error {
	if slices.ContainsFunc(b.Lines, func(l Line) bool { return !l.Counts() }) {
		// Those that do not count have a price too, and what is wrong with them is told by their own place.
		if err := b.priceAll(); err != nil {
			return err
		}
	}
	r, err := totals.Calculate(b.document(worked))
	if err != nil {
		return err
	}
	at := 0
	for n := range b.Lines {
		if worked(b.Lines[n]) {
			b.Lines[n].Net = r.Lines[at].Net
			at++
		}
	}
	b.Totals = Sums{
		Subtotal: r.LinesTotal, Allowances: r.AllowancesTotal, Charges: r.ChargesTotal, Net: r.TaxExclusive, Taxes: r.Taxes,
		Tax: r.TaxTotal, Total: r.TaxInclusive, Withheld: r.Withheld, Prepaid: r.Prepaid, Rounding: r.Rounding, Payable: r.Payable,
	}
	return b.add()
}

// worked reports whether a line counts and is worked out, and not given.
func worked(l Line) bool { return l.Part == nil && l.Counts() }

// document is what the sums of some of the lines are worked out from.
func (b *Body) document(which func(Line) bool) totals.Document {
	doc := totals.Document{
		Currency: b.Currency, PricesIncludeTax: b.PricesIncludeTax, Discount: b.Discount, Allowances: b.Allowances, Charges: b.Charges,
		Prepaid: b.Prepaid, Rounding: b.Rounding,
	}
	doc.Lines = linesOf(slices.DeleteFunc(slices.Clone(b.Lines), func(l Line) bool { return !which(l) }))
	return doc
}

func linesOf(lines []Line) []totals.Line {
	out := make([]totals.Line, 0, len(lines))
	for _, l := range lines {
		out = append(out, totals.Line{
			Quantity: l.Quantity, UnitPrice: l.UnitPrice, PriceBase: l.PriceBase, Discount: l.Discount,
			Allowances: l.Allowances, Charges: l.Charges, Taxes: l.Taxes,
		})
	}
	return out
}

// Service answers the period that all lines agree on: both dates equal for a single day, zero when they do not agree.
func (b Body) Service() (from, to civil.Date) {
	for n, l := range b.counted() {
		f, t := l.ServiceFrom, l.ServiceTo
		if !l.ServiceDate.IsZero() {
			f, t = l.ServiceDate, l.ServiceDate
		}
		if n == 0 {
			from, to = f, t
		}
		if f != from || t != to {
			return civil.Date{}, civil.Date{}
		}
	}
	return from, to
}

// Input answers what a person would type to get this body: the editable form that a PATCH changes.
func (b Body) Input() Input {
	incl := b.PricesIncludeTax
	in := Input{
		Currency: b.Currency, PricesIncludeTax: &incl, LocationID: b.LocationID, Discount: b.Discount, Allowances: b.Allowances,
		Charges: b.Charges, Prepaid: b.Prepaid, Rounding: b.Rounding, Notes: b.Notes, PurchaseOrder: b.PurchaseOrder,
	}
	for _, l := range b.Lines {
		li := LineInput{
			ItemID: l.ItemID, Name: l.Name, Description: l.Description, Optional: l.Optional, Chosen: l.Chosen, Group: l.Group,
			Quantity: l.Quantity, Unit: l.Unit, UnitPrice: l.UnitPrice, PriceBase: l.PriceBase, Discount: l.Discount, Allowances: l.Allowances, Charges: l.Charges, TaxClass: l.TaxClass,
			ServiceDate: l.ServiceDate, ServiceFrom: l.ServiceFrom, ServiceTo: l.ServiceTo,
		}
		if l.TaxClass == "" {
			li.Taxes = l.Taxes
		}
		in.Lines = append(in.Lines, li)
	}
	return in
}

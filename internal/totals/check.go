package totals

import (
	"fmt"

	"onebook/internal/fault"
	"onebook/internal/money"
)

// Check answers an Invalid that names every wrong field of a document at once, or nil. Calculate asks it first.
//
// It asks what a sum needs, and no more: that other rules of EN 16931 hold is for CheckEN16931, because other
// countries mix what it forbids. A rate is needed for S, L and M and withheld taxes, above zero for S; Z, E, K, G
// and O have none, or 0. AE may name the rate that the buyer accounts with; its tax is 0 (rules.md §1.2).
func (d Document) Check() error {
	var c checker
	if _, err := money.Exponent(d.Currency); err != nil {
		c.Join("currency", err)
	}
	if d.TaxRounding != "" && d.TaxRounding != PerDocument && d.TaxRounding != PerLine {
		c.Add("taxRounding", "unknown_rounding", "%.20q is no way to round tax: take document or line", string(d.TaxRounding))
	}
	if len(d.Lines) > MaxLines {
		c.Add("lines", "too_many", "a document has at most %d lines, not %d", MaxLines, len(d.Lines))
		return c.Err()
	}
	for i, l := range d.Lines {
		c.line(fmt.Sprintf("lines[%d]", i), l)
	}
	if d.Discount != nil {
		c.adjustment("discount", d.Discount.Percent, d.Discount.Amount, 100)
	}
	for _, side := range []struct {
		name string
		list []Adjustment
		most int64
	}{{"allowances", d.Allowances, 100}, {"charges", d.Charges, 1000}} {
		if c.tooMany(side.name, len(side.list)) {
			continue
		}
		for i, a := range side.list {
			at := fmt.Sprintf("%s[%d]", side.name, i)
			c.adjustment(at, a.Percent, a.Amount, side.most)
			if a.Tax != nil || len(a.Taxes) > 0 {
				c.taxes(at, a.Tax, a.Taxes)
			}
		}
	}
	return c.Err()
}

// checker notes what is wrong with parts of a document.
type checker struct{ fault.Fields }

func (c *checker) line(at string, l Line) {
	if !l.Quantity.Given() {
		c.Add(at+".quantity", "required", "a line needs a quantity")
	}
	switch {
	case !l.UnitPrice.Given():
		c.Add(at+".unitPrice", "required", "a line needs a unit price")
	case l.UnitPrice.Sign() < 0:
		c.Add(at+".unitPrice", "negative_price", "a price is never negative (BR-27): take a negative quantity, or a discount")
	}
	if l.PriceBase.Given() && l.PriceBase.Sign() <= 0 {
		c.Add(at+".priceBase", "out_of_range", "a price is for a positive number of units, not for %s", l.PriceBase)
	}
	if l.Discount != nil {
		c.adjustment(at+".discount", l.Discount.Percent, l.Discount.Amount, 100)
	}
	c.allowances(at+".allowances", l.Allowances, 100)
	c.allowances(at+".charges", l.Charges, 1000)
	if l.Tax == nil && len(l.Taxes) == 0 {
		c.Add(at+".tax", "required", "a line needs a tax with category and rate; category O is for no tax")
		return
	}
	c.taxes(at, l.Tax, l.Taxes)
}

func (c *checker) allowances(at string, list []Allowance, most int64) {
	if c.tooMany(at, len(list)) {
		return
	}
	for i, a := range list {
		c.adjustment(fmt.Sprintf("%s[%d]", at, i), a.Percent, a.Amount, most)
	}
}

func (c *checker) tooMany(at string, n int) bool {
	if n > MaxAdjustments {
		c.Add(at, "too_many", "at most %d are possible, not %d", MaxAdjustments, n)
	}
	return n > MaxAdjustments
}

// adjustment checks the percent only where it counts: documents from elsewhere carry any percent beside an amount.
func (c *checker) adjustment(at string, percent, amount money.Decimal, most int64) {
	switch {
	case amount.Given():
	case !percent.Given():
		c.Add(at, "required", "give an amount or a percent")
	case percent.Sign() < 0 || above(percent, most):
		c.Add(at+".percent", "out_of_range", "a percent here is from 0 to %d, not %s", most, percent)
	}
}

func above(d money.Decimal, n int64) bool {
	limit, err := money.Int(n)
	return err != nil || d.Cmp(limit) > 0
}

func (c *checker) taxes(at string, short *Tax, taxes []Tax) {
	if short != nil && len(taxes) > 0 {
		c.Add(at+".tax", "ambiguous", "give tax or taxes, not both")
		return
	}
	if len(taxes) > MaxTaxes {
		c.Add(at+".taxes", "too_many", "at most %d taxes are possible, not %d", MaxTaxes, len(taxes))
		return
	}
	seen := map[kind]bool{}
	for i, t := range taxed(short, taxes) {
		field := at + ".tax"
		if short == nil {
			field = fmt.Sprintf("%s.taxes[%d]", at, i)
		}
		c.tax(field, t)
		if short != nil || len(taxes) == 1 {
			continue
		}
		// What tells two taxes apart is what tells their rows apart.
		for _, k := range mixOf([]Tax{t}).kinds {
			k.level = 0
			if seen[k] {
				c.Add(field, "twice", "%s at %s %% is on the line twice", k.name, k.rate)
			}
			seen[k] = true
		}
	}
}

func (c *checker) tax(at string, t Tax) {
	if len(t.Name) > 40 {
		c.Add(at+".name", "too_long", "a tax's name has at most 40 characters")
	}
	missing := func() { c.Add(at+".rate", "required", "a tax of category %s needs its rate", t.Category) }
	switch {
	case t.Withheld && t.Category == "":
		if !t.Rate.Given() {
			c.Add(at+".rate", "required", "a withheld tax needs its rate")
		}
	case t.Category == "":
		c.Add(at+".category", "required", "a tax needs a category: S, Z, E, AE, K, G, O, L or M")
	case t.Category == Standard && t.Rate.Given() && t.Rate.Sign() == 0:
		c.Add(at+".rate", "out_of_range", "category S has a rate above zero (BR-S-05): zero rated is Z")
	case t.Category == Standard || t.Category == Canary || t.Category == CeutaMelilla:
		if !t.Rate.Given() {
			missing()
		}
	case t.Category == ReverseCharge:
	case untaxed(t.Category):
		if t.Rate.Sign() > 0 {
			c.Add(at+".rate", "out_of_range", "category %s has no rate, or 0: its tax is always zero", t.Category)
		}
	default:
		c.Add(at+".category", "unknown_category", "%.20q is no tax category: take S, Z, E, AE, K, G, O, L or M", t.Category)
	}
	if t.Rate.Sign() < 0 || above(t.Rate, 100) {
		c.Add(at+".rate", "out_of_range", "a rate is from 0 to 100 per cent, not %s", t.Rate)
	}
	if t.SurchargeRate.Given() && (t.SurchargeRate.Sign() < 0 || above(t.SurchargeRate, 100)) {
		c.Add(at+".surchargeRate", "out_of_range", "a rate is from 0 to 100 per cent, not %s", t.SurchargeRate)
	}
	if t.SurchargeRate.Sign() > 0 && (t.Withheld || t.Category != Standard) {
		c.Add(at+".surchargeRate", "out_of_place", "only a tax of category S has a surcharge")
	}
	if t.Compound && t.Withheld {
		c.Add(at+".compound", "out_of_place", "a withheld tax is one on the net alone")
	}
}

// untaxed reports whether the tax of a category is always zero (BR-Z/E/AE/IC/G/O-09).
func untaxed(category string) bool {
	switch category {
	case Zero, Exempt, ReverseCharge, IntraEU, Export, OutsideScope:
		return true
	}
	return false
}

// rate answers the rate as rows show it: 0 where none was given.
func (t Tax) rate() money.Decimal {
	if t.Rate.Given() {
		return t.Rate
	}
	return zero
}

var zero, _ = money.Int(0)

// CheckEN16931 answers an Invalid that names every tax which an invoice under EN 16931 may not carry although it
// can be worked out: a rate on AE (BR-AE-05), and O beside any other category (BR-O-11 to 14).
func (d Document) CheckEN16931() error {
	var f fault.Fields
	var outside []string
	others := false
	each := func(at string, short *Tax, taxes []Tax) {
		for i, t := range taxed(short, taxes) {
			field := at + ".tax"
			if short == nil {
				field = fmt.Sprintf("%s.taxes[%d]", at, i)
			}
			switch {
			case t.Withheld:
				continue
			case t.Category == OutsideScope:
				outside = append(outside, field)
				continue
			case t.Category == ReverseCharge && t.Rate.Sign() != 0:
				f.Add(field+".rate", "out_of_range", "reverse charge has the rate 0 on the invoice (BR-AE-05)")
			}
			others = true
		}
	}
	for i, l := range d.Lines {
		each(fmt.Sprintf("lines[%d]", i), l.Tax, l.Taxes)
	}
	for i, a := range d.Allowances {
		each(fmt.Sprintf("allowances[%d]", i), a.Tax, a.Taxes)
	}
	for i, a := range d.Charges {
		each(fmt.Sprintf("charges[%d]", i), a.Tax, a.Taxes)
	}
	if others {
		for _, field := range outside {
			f.Add(field+".category", "not_alone", "category O stands alone on an invoice (BR-O-11)")
		}
	}
	return f.Err()
}

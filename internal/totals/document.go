// Package totals works out what a document comes to: line nets, allowances and charges, taxes, what is to be paid.
//
// Calculate is the one engine for POST /totals, estimates and invoices; the rules are those of EN 16931 as rules.md
// §1 states them. Adjustments that people type are decimals in major units, sums are whole minor units, so a Document
// and its Result read as api.md writes them. Every part is rounded once, half away from zero; a sum of rounded parts
// is not rounded again. Tax is rounded once per (name, category, rate), never per line, unless the document says so.
// The order of lines changes no sum, and a negated document has the negated result. README.md has the meanings.
package totals

import "onebook/internal/money"

// The codes of tax categories, UNTDID 5305 as EN 16931 uses them.
const (
	Standard      = "S"  // a rate above zero
	Zero          = "Z"  // zero rated
	Exempt        = "E"  // exempt, with a reason
	ReverseCharge = "AE" // the buyer accounts for the tax
	IntraEU       = "K"  // supply within the EU
	Export        = "G"  // goods that leave the EU
	OutsideScope  = "O"  // no tax at all
	Canary        = "L"  // IGIC of the Canary Islands
	CeutaMelilla  = "M"  // IPSI of Ceuta and Melilla
)

// TaxRounding says what tax is rounded once for.
type TaxRounding string

// The two ways; the choice is kept with the document (rules.md §1.2).
const (
	PerDocument TaxRounding = "document" // once per tax and rate, as EN 16931 has it; the same as ""
	PerLine     TaxRounding = "line"     // for every line, allowance and charge by itself
)

// The bounds of a document; more is an Invalid.
const (
	MaxLines       = 1000
	MaxAdjustments = 100 // allowances, or charges, of one line or of the document
	MaxTaxes       = 10  // of one line, allowance or charge
)

// Document is what a total is worked out from. Where prices include tax, so do all amounts of lines, discount,
// allowances and charges.
type Document struct {
	Currency         string        `json:"currency"`
	PricesIncludeTax bool          `json:"pricesIncludeTax,omitempty"`
	TaxRounding      TaxRounding   `json:"taxRounding,omitempty"`
	Lines            []Line        `json:"lines"`
	Discount         *Discount     `json:"discount,omitempty"` // off the whole, over all taxes of the lines
	Allowances       []Adjustment  `json:"allowances,omitempty"`
	Charges          []Adjustment  `json:"charges,omitempty"`
	Prepaid          money.Decimal `json:"prepaid,omitzero"`  // BT-113
	Rounding         money.Decimal `json:"rounding,omitzero"` // BT-114: changes what is payable and nothing else
}

// Line is what the total needs of a line. Its discount, allowances and charges are each taken of quantity × price.
type Line struct {
	Quantity   money.Decimal `json:"quantity"`           // BT-129, may be negative
	UnitPrice  money.Decimal `json:"unitPrice"`          // BT-146, never negative
	PriceBase  money.Decimal `json:"priceBase,omitzero"` // BT-149, how many units the price is for; 1 unless given
	Discount   *Discount     `json:"discount,omitempty"`
	Allowances []Allowance   `json:"allowances,omitempty"` // BG-27
	Charges    []Allowance   `json:"charges,omitempty"`    // BG-28
	Tax        *Tax          `json:"tax,omitempty"`        // the short form of one tax
	Taxes      []Tax         `json:"taxes,omitempty"`
}

// Discount is a percent or an amount off. Where both are given, the amount counts.
type Discount struct {
	Percent money.Decimal `json:"percent,omitzero"`
	Amount  money.Decimal `json:"amount,omitzero"`
}

// Allowance is a discount with a reason; as a charge it is added instead.
type Allowance struct {
	Percent money.Decimal `json:"percent,omitzero"`
	Amount  money.Decimal `json:"amount,omitzero"`
	Reason  string        `json:"reason,omitempty"`
}

// Adjustment is an allowance or charge of the whole document (BG-20, BG-21). With taxes, its percent is of the lines
// that bear them. Without, it is of all lines, and is split over their taxes by largest remainder, since every part
// must have its tax (rules.md §1.2).
type Adjustment struct {
	Percent money.Decimal `json:"percent,omitzero"`
	Amount  money.Decimal `json:"amount,omitzero"`
	Reason  string        `json:"reason,omitempty"`
	Tax     *Tax          `json:"tax,omitempty"` // the short form of one tax
	Taxes   []Tax         `json:"taxes,omitempty"`
}

// Tax is one tax on a line. A place may have several: GST and PST, CGST and SGST, a withholding beside VAT.
type Tax struct {
	Name     string        `json:"name,omitempty"`     // VAT unless given
	Category string        `json:"category,omitempty"` // may be left out where withheld
	Rate     money.Decimal `json:"rate,omitzero"`      // per cent
	// SurchargeRate is a second rate on the same base (ES: recargo de equivalencia). Prices never include it.
	SurchargeRate money.Decimal `json:"surchargeRate,omitzero"`
	Withheld      bool          `json:"withheld,omitempty"` // kept back by the buyer: lowers what is payable, not the base
	// Compound makes the tax one on the net together with the line's other taxes: those that are not compound, and
	// the compound ones listed before it. Surcharges and withheld taxes are no part of that base.
	Compound bool `json:"compound,omitempty"`
}

func (t Tax) name() string {
	if t.Name == "" {
		return "VAT"
	}
	return t.Name
}

// taxed answers the tax or taxes that were given.
func taxed(short *Tax, taxes []Tax) []Tax {
	if short != nil {
		return []Tax{*short}
	}
	return taxes
}

// Negate answers the mirror of a document, every amount and quantity with the other sign: what a credit over the
// whole of it comes to. Percents stay. The document itself is not changed.
func (d Document) Negate() Document {
	lines := make([]Line, len(d.Lines))
	for i, l := range d.Lines {
		l.Quantity = l.Quantity.Neg()
		l.Discount = l.Discount.negate()
		l.Allowances, l.Charges = negateAll(l.Allowances), negateAll(l.Charges)
		lines[i] = l
	}
	d.Lines, d.Discount = lines, d.Discount.negate()
	d.Allowances, d.Charges = negateDocument(d.Allowances), negateDocument(d.Charges)
	d.Prepaid, d.Rounding = d.Prepaid.Neg(), d.Rounding.Neg()
	return d
}

func (d *Discount) negate() *Discount {
	if d == nil {
		return nil
	}
	return &Discount{d.Percent, d.Amount.Neg()}
}

func negateAll(as []Allowance) []Allowance {
	var out []Allowance
	for _, a := range as {
		a.Amount = a.Amount.Neg()
		out = append(out, a)
	}
	return out
}

func negateDocument(as []Adjustment) []Adjustment {
	var out []Adjustment
	for _, a := range as {
		a.Amount = a.Amount.Neg()
		out = append(out, a)
	}
	return out
}

package totals

import "onebook/internal/money"

// Result is what a document comes to, in minor units of the currency. Whatever the document:
//
//	taxExclusive = linesTotal - allowancesTotal + chargesTotal - taxIncluded
//	taxTotal     = sum of taxes[].tax that are not withheld
//	taxInclusive = taxExclusive + taxTotal
//	payable      = taxInclusive - withheld - prepaid + rounding
type Result struct {
	Currency        string       `json:"currency"`
	Scale           int          `json:"scale"` // decimals of the currency
	Lines           []LineResult `json:"lines"`
	LinesTotal      int64        `json:"linesTotal"`           // BT-106
	Allowances      []Applied    `json:"allowances,omitempty"` // of the document, one per tax
	AllowancesTotal int64        `json:"allowancesTotal"`      // BT-107
	Charges         []Applied    `json:"charges,omitempty"`
	ChargesTotal    int64        `json:"chargesTotal"`          // BT-108
	TaxIncluded     int64        `json:"taxIncluded,omitempty"` // the part of the three totals above that is tax, where prices include it
	TaxExclusive    int64        `json:"taxExclusive"`          // BT-109
	Taxes           []TaxResult  `json:"taxes"`                 // BG-23
	TaxTotal        int64        `json:"taxTotal"`              // BT-110
	TaxInclusive    int64        `json:"taxInclusive"`          // BT-112
	Withheld        int64        `json:"withheld"`
	Prepaid         int64        `json:"prepaid"`  // BT-113
	Rounding        int64        `json:"rounding"` // BT-114
	Payable         int64        `json:"payable"`  // BT-115, may be negative
}

// LineResult is what one line comes to, in the document's order. Net is gross less allowances plus charges, and
// includes tax where prices do; TaxExclusive never does, and sums with that of allowances and charges to the
// document's.
type LineResult struct {
	Gross        int64   `json:"gross"`                // quantity × price
	Allowances   []int64 `json:"allowances,omitempty"` // the discount first, then each allowance
	Charges      []int64 `json:"charges,omitempty"`
	Net          int64   `json:"net"` // BT-131
	TaxExclusive int64   `json:"taxExclusive"`
}

// Applied is a document's allowance or charge, or the part of one that falls on one combination of taxes.
type Applied struct {
	From         string        `json:"from"` // the field it comes from, e.g. allowances[0] or discount
	Reason       string        `json:"reason,omitempty"`
	Percent      money.Decimal `json:"percent,omitzero"` // as given, also where the amount counted
	Amount       int64         `json:"amount"`
	TaxExclusive int64         `json:"taxExclusive"`
	Taxes        []Tax         `json:"taxes"`
}

// TaxResult is the row of one tax: one for each (name, category, rate), also at zero per cent.
type TaxResult struct {
	Name      string        `json:"name"`
	Category  string        `json:"category,omitempty"`
	Rate      money.Decimal `json:"rate"`    // without zeros at the end; 0 where the category has none
	Taxable   int64         `json:"taxable"` // BT-116
	Tax       int64         `json:"tax"`     // BT-117
	Withheld  bool          `json:"withheld,omitempty"`
	Surcharge bool          `json:"surcharge,omitempty"` // the row of a surchargeRate
	Compound  bool          `json:"compound,omitempty"`  // taxable includes other taxes
}

// Negate answers the mirror of a result: every amount with the other sign.
func (r Result) Negate() Result {
	lines := make([]LineResult, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = LineResult{-l.Gross, negated(l.Allowances), negated(l.Charges), -l.Net, -l.TaxExclusive}
	}
	r.Lines = lines
	r.Allowances, r.Charges = negateApplied(r.Allowances), negateApplied(r.Charges)
	taxes := make([]TaxResult, len(r.Taxes))
	for i, t := range r.Taxes {
		t.Taxable, t.Tax = -t.Taxable, -t.Tax
		taxes[i] = t
	}
	r.Taxes = taxes
	for _, sum := range []*int64{&r.LinesTotal, &r.AllowancesTotal, &r.ChargesTotal, &r.TaxIncluded, &r.TaxExclusive,
		&r.TaxTotal, &r.TaxInclusive, &r.Withheld, &r.Prepaid, &r.Rounding, &r.Payable} {
		*sum = -*sum
	}
	return r
}

func negated(ns []int64) []int64 {
	var out []int64
	for _, n := range ns {
		out = append(out, -n)
	}
	return out
}

func negateApplied(as []Applied) []Applied {
	var out []Applied
	for _, a := range as {
		a.Amount, a.TaxExclusive = -a.Amount, -a.TaxExclusive
		out = append(out, a)
	}
	return out
}

package api

import (
	"onebook/internal/civil"
	"onebook/internal/money"
	"onebook/internal/sale"
	"onebook/internal/totals"
)

// lineForm is a line as it is typed; it has the fields of sale.LineInput.
type lineForm struct {
	ItemID      string             `json:"itemId,omitempty" maxLength:"60" doc:"catalog item that name, description, unit, price and tax class are copied from where they are left out"`
	Name        string             `json:"name,omitempty" maxLength:"300"`
	Description string             `json:"description,omitempty" maxLength:"10000"`
	Optional    bool               `json:"optional,omitempty" doc:"of an estimate: the client takes it or leaves it"`
	Chosen      bool               `json:"chosen,omitempty" doc:"of what is optional or in a group: it counts in the totals, as a proposal until the client accepts"`
	Group       string             `json:"group,omitempty" maxLength:"100" doc:"of an estimate: of the lines of one group the client chooses exactly one"`
	Quantity    money.Decimal      `json:"quantity" doc:"may be negative"`
	Unit        string             `json:"unit,omitempty" maxLength:"40"`
	UnitPrice   money.Decimal      `json:"unitPrice,omitzero" doc:"net price of one priceBase, major units, never negative"`
	PriceBase   money.Decimal      `json:"priceBase,omitzero" doc:"how many units the price is for; 1 unless given"`
	Discount    *totals.Discount   `json:"discount,omitempty"`
	Allowances  []totals.Allowance `json:"allowances,omitempty"`
	Charges     []totals.Allowance `json:"charges,omitempty"`
	TaxClass    string             `json:"taxClass,omitempty" maxLength:"40" doc:"chooses the tax by the organisation's rules, the location and the day of supply"`
	Tax         *totals.Tax        `json:"tax,omitempty" doc:"the short form of one tax"`
	Taxes       []totals.Tax       `json:"taxes,omitempty"`
	ServiceDate civil.Date         `json:"serviceDate,omitzero" doc:"date of supply"`
	ServiceFrom civil.Date         `json:"serviceFrom,omitzero"`
	ServiceTo   civil.Date         `json:"serviceTo,omitzero" doc:"last day of the period of supply"`
}

// SaleForm is what estimates and invoices have in common as they are typed.
type SaleForm struct {
	Currency         string              `json:"currency,omitempty" format:"currency" doc:"ISO 4217; the organisation's unless given"`
	PricesIncludeTax *bool               `json:"pricesIncludeTax,omitempty" doc:"as in the settings unless given"`
	LocationID       string              `json:"locationId,omitempty" maxLength:"60" doc:"decides the tax; the organisation's unless given"`
	Lines            []lineForm          `json:"lines" minItems:"1" maxItems:"1000"`
	Discount         *totals.Discount    `json:"discount,omitempty" doc:"off the whole, over all taxes"`
	Allowances       []totals.Adjustment `json:"allowances,omitempty"`
	Charges          []totals.Adjustment `json:"charges,omitempty"`
	Prepaid          money.Decimal       `json:"prepaid,omitzero" doc:"what was paid before, major units"`
	Rounding         money.Decimal       `json:"rounding,omitzero" doc:"changes what is payable and nothing else, major units"`
	Notes            string              `json:"notes,omitempty" maxLength:"10000" doc:"printed on the document"`
	PurchaseOrder    string              `json:"purchaseOrder,omitempty" maxLength:"60" doc:"the client's number for it"`
}

func (f SaleForm) input() sale.Input {
	in := sale.Input{
		Currency: f.Currency, PricesIncludeTax: f.PricesIncludeTax, LocationID: f.LocationID, Discount: f.Discount,
		Allowances: f.Allowances, Charges: f.Charges, Prepaid: f.Prepaid, Rounding: f.Rounding, Notes: f.Notes, PurchaseOrder: f.PurchaseOrder,
	}
	for _, l := range f.Lines {
		in.Lines = append(in.Lines, sale.LineInput(l))
	}
	return in
}

// formOf is the editable form of a document's body.
func formOf(b sale.Body) SaleForm {
	in := b.Input()
	f := SaleForm{
		Currency: in.Currency, PricesIncludeTax: in.PricesIncludeTax, LocationID: in.LocationID, Discount: in.Discount,
		Allowances: in.Allowances, Charges: in.Charges, Prepaid: in.Prepaid, Rounding: in.Rounding, Notes: in.Notes, PurchaseOrder: in.PurchaseOrder,
	}
	for _, l := range in.Lines {
		f.Lines = append(f.Lines, lineForm(l))
	}
	return f
}

// lineView is a line with what it comes to; it has the fields of sale.Line.
type lineView struct {
	ID          string             `json:"id" doc:"unique within the document"`
	ItemID      string             `json:"itemId,omitempty"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Optional    bool               `json:"optional,omitempty" doc:"the client takes it or leaves it"`
	Chosen      bool               `json:"chosen,omitempty" doc:"of what is optional or in a group: it counts in the totals"`
	Group       string             `json:"group,omitempty" doc:"of the lines of one group exactly one is chosen"`
	Quantity    money.Decimal      `json:"quantity"`
	Unit        string             `json:"unit,omitempty"`
	UnitPrice   money.Decimal      `json:"unitPrice"`
	PriceBase   money.Decimal      `json:"priceBase,omitzero"`
	Discount    *totals.Discount   `json:"discount,omitempty"`
	Allowances  []totals.Allowance `json:"allowances,omitempty"`
	Charges     []totals.Allowance `json:"charges,omitempty"`
	TaxClass    string             `json:"taxClass,omitempty"`
	Taxes       []totals.Tax       `json:"taxes"`
	Reason      string             `json:"taxReason,omitempty" doc:"why there is no tax"`
	ServiceDate civil.Date         `json:"serviceDate,omitzero"`
	ServiceFrom civil.Date         `json:"serviceFrom,omitzero"`
	ServiceTo   civil.Date         `json:"serviceTo,omitzero"`
	Net         int64              `json:"net" format:"minor"`
	Part        *sale.Part         `json:"part,omitempty" doc:"of a line that bills a share of an order, or takes an advance off: its net and taxes in minor units, as given"`
}

// SaleView is what estimates, orders and invoices have in common: the content as it was typed, and what it comes to.
type SaleView struct {
	Currency         string              `json:"currency"`
	PricesIncludeTax bool                `json:"pricesIncludeTax,omitempty"`
	LocationID       string              `json:"locationId,omitempty"`
	Lines            []lineView          `json:"lines"`
	Discount         *totals.Discount    `json:"discount,omitempty"`
	Allowances       []totals.Adjustment `json:"allowances,omitempty"`
	Charges          []totals.Adjustment `json:"charges,omitempty"`
	Notes            string              `json:"notes,omitempty"`
	PurchaseOrder    string              `json:"purchaseOrder,omitempty"`
	Subtotal         int64               `json:"subtotal" format:"minor" doc:"sum of the lines"`
	AllowancesTotal  int64               `json:"allowancesTotal,omitempty" format:"minor"`
	ChargesTotal     int64               `json:"chargesTotal,omitempty" format:"minor"`
	TaxExclusive     int64               `json:"taxExclusive" format:"minor"`
	Taxes            []totals.TaxResult  `json:"taxes"`
	TaxTotal         int64               `json:"taxTotal" format:"minor"`
	Total            int64               `json:"total" format:"minor" doc:"with tax"`
	Withheld         int64               `json:"withheld,omitempty" format:"minor"`
	Prepaid          money.Decimal       `json:"prepaid,omitzero"`
	Rounding         money.Decimal       `json:"rounding,omitzero"`
	Payable          int64               `json:"payable" format:"minor"`
	ServiceFrom      civil.Date          `json:"serviceFrom,omitzero" doc:"first day of supply that all lines agree on"`
	ServiceTo        civil.Date          `json:"serviceTo,omitzero"`
}

func viewOf(b sale.Body) SaleView {
	t := b.Totals
	v := SaleView{
		Currency: b.Currency, PricesIncludeTax: b.PricesIncludeTax, LocationID: b.LocationID, Lines: []lineView{},
		Discount: b.Discount, Allowances: b.Allowances, Charges: b.Charges, Notes: b.Notes, PurchaseOrder: b.PurchaseOrder,
		Subtotal: t.Subtotal, AllowancesTotal: t.Allowances, ChargesTotal: t.Charges, TaxExclusive: t.Net,
		Taxes: t.Taxes, TaxTotal: t.Tax, Total: t.Total, Withheld: t.Withheld, Prepaid: b.Prepaid, Rounding: b.Rounding,
		Payable: t.Payable,
	}
	if v.Taxes == nil {
		v.Taxes = []totals.TaxResult{}
	}
	for _, l := range b.Lines {
		v.Lines = append(v.Lines, lineView(l))
		if n := len(v.Lines) - 1; v.Lines[n].Taxes == nil {
			v.Lines[n].Taxes = []totals.Tax{}
		}
	}
	v.ServiceFrom, v.ServiceTo = b.Service()
	return v
}

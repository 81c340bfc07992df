package sale

import (
	"slices"

	"onebook/internal/fault"
	"onebook/internal/totals"
)

// union are the member states of the European Union, whose invoices follow EN 16931 (ISO 3166-1 alpha-2).
var union = []string{
	"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT",
	"RO", "SE", "SI", "SK",
}

// CheckLaw refuses what an invoice of a seller in this country may not carry. In the European Union that is what EN 16931
// says beyond the sums: reverse charge and supplies within the Union need the VAT ids of both sides (BR-AE-02 to 04,
// BR-IC-02), and what is outside the scope of VAT stands alone (BR-O-11 to 14). Elsewhere nothing is refused.
func (b Body) CheckLaw(country string, seller, client Party) error {
	if !slices.Contains(union, country) {
		return nil
	}
	if err := b.document(Line.Counts).CheckEN16931(); err != nil {
		return err
	}
	for _, t := range b.Totals.Taxes {
		if t.Category != totals.ReverseCharge && t.Category != totals.IntraEU {
			continue
		}
		if seller.TaxID == "" {
			return fault.Unready.Errorf("tax category %s needs your VAT id; add it in the settings", t.Category).Coded("tax_id_missing")
		}
		if client.TaxID == "" {
			return fault.Unready.Errorf("tax category %s needs the VAT id of %s; add it to the contact", t.Category, client.Name).Coded("tax_id_missing")
		}
	}
	return nil
}

package sale

import (
	"errors"
	"testing"

	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/totals"
)

func taxed(t *testing.T, categories ...string) Body {
	t.Helper()
	b := Body{Currency: "EUR"}
	for _, c := range categories {
		rate, err := money.ParseDecimal(map[bool]string{true: "19", false: "0"}[c == "S"])
		if err != nil {
			t.Fatal(err)
		}
		one, err := money.Int(1)
		if err != nil {
			t.Fatal(err)
		}
		b.Lines = append(b.Lines, Line{Quantity: one, UnitPrice: one, Taxes: []totals.Tax{{Category: c, Rate: rate}}})
	}
	if err := b.compute(); err != nil {
		t.Fatal(err)
	}
	return b
}

// An invoice from the Union carries what EN 16931 lets it; one from elsewhere carries what its maker says.
func TestCheckLaw(t *testing.T) {
	with, without := Party{Name: "Ada", TaxID: "DE123456789"}, Party{Name: "Bob"}
	for _, c := range []struct {
		country        string
		seller, client Party
		body           Body
		want           error
	}{
		{"DE", with, with, taxed(t, "AE"), nil},
		{"DE", with, without, taxed(t, "AE"), fault.Unready}, // BR-AE-02
		{"DE", without, with, taxed(t, "AE"), fault.Unready},
		{"DE", with, without, taxed(t, "K"), fault.Unready}, // BR-IC-02
		{"DE", without, without, taxed(t, "S", "E"), nil},
		{"DE", with, with, taxed(t, "S", "O"), fault.Invalid}, // BR-O-11
		{"DE", with, without, taxed(t, "O"), nil},
		{"AE", without, without, taxed(t, "AE", "O"), nil},
		{"", without, without, taxed(t, "S", "O"), nil},
	} {
		err := c.body.CheckLaw(c.country, c.seller, c.client)
		if (c.want == nil) != (err == nil) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s %v: %v, want %v", c.country, c.body.Totals.Taxes, err, c.want)
		}
	}
}

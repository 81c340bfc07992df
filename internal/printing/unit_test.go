package printing

import (
	"testing"

	"onebook/internal/money"
	"onebook/internal/sale"
)

// Ten hours are hours, in the client's language; what a person typed stays; what was issued before stays as it was.
func TestUnits(t *testing.T) {
	for _, c := range []struct {
		unit, quantity, locale string
		layout                 int
		want                   string
	}{
		{"hour", "10", "en", 2, "hours"}, {"hour", "1", "en", 2, "hour"}, {"hour", "1.00", "en-GB", 2, "hour"}, {"hour", "0.5", "en", 2, "hours"},
		{"hour", "10", "de", 2, "Stunden"}, {"hour", "1", "de-AT", 2, "Stunde"}, {"month", "3", "de", 2, "Monate"}, {"each", "3", "de", 2, "Stück"},
		{"fixed", "1", "de", 2, "pauschal"}, {"fixed", "1", "en", 2, ""}, {"each", "3", "en", 2, ""}, {"Lizenzen", "3", "de", 2, "Lizenzen"},
		{"", "3", "en", 2, ""}, {"hour", "10", "en", 1, "hour"},
	} {
		q, err := money.ParseDecimal(c.quantity)
		if err != nil {
			t.Fatal(err)
		}
		if got := unit(c.unit, q, &sale.Frozen{Layout: c.layout, Locale: c.locale}); got != c.want {
			t.Errorf("%s %s in %s, layout %d: %q, not %q", c.quantity, c.unit, c.locale, c.layout, got, c.want)
		}
	}
}
